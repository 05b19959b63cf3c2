/**
 * Patches everything before the program begins: `node --import genlet/monkey/register app.js`, or `--require` in its place.
 * The program itself need not know of genlet.
 */
import { watchAsEnvironmentSays } from './blocking-calls.ts';
import { patchAll } from './patch.ts';

export { unpatchAll } from './patch.ts';
export { formatReport, report } from './report.ts';
export type * from './types/index.ts';

patchAll();
watchAsEnvironmentSays();
