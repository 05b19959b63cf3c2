/** What this copy of genlet is to the others in the process. */
import { fileURLToPath } from 'node:url';
import { hub } from '../../core/hub.ts';
import type { Part } from './shared.ts';

/** @internal */
export const copy: Pick<Part, 'hub' | 'copy'> = { hub, copy: fileURLToPath(new URL('../..', import.meta.url)) };
