export const title = 'Echo: what a message costs the server';

export const files = ['echo.mjs'];

/** More than usual, since a second process and the network stack take part. */
export const rounds = 10;
