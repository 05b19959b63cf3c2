export const title = 'Monkey patching: what it costs those who call as ever';

export const files = ['old-calls.mjs'];
