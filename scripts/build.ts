/** Makes dist/: what the compiler emits, the plain JavaScript beside it, and then the many small modules merged. */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mergeModules } from './merge-modules.ts';
import { copyPlainModules } from './project.ts';

rmSync('dist', { recursive: true, force: true });
const compiler = ['node_modules/typescript/bin/tsc', '--project', 'tsconfig.build.json'];
const { status } = spawnSync(process.execPath, compiler, { stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);
copyPlainModules('dist');
await mergeModules('dist');
