/**
 * The calls of `node:fs` that newer versions of Node know more of: `stat` with `throwIfNoEntry`
 * came with 24, `glob` with 22. With older types, what is new takes no argument that could be given.
 */
import type { BigIntStats, Dirent, PathLike, StatOptions, Stats } from 'node:fs';
import type { Started } from '../started.ts';
import type { NotInThisNode } from './not-in-this-node.ts';

type Callback<T> = (err: NodeJS.ErrnoException | null, stats: T) => void;
type Throwing = { throwIfNoEntry?: true | undefined };
type Forgiving = 'throwIfNoEntry' extends keyof StatOptions ? { throwIfNoEntry: false } : NotInThisNode;
type Missing = 'throwIfNoEntry' extends keyof StatOptions ? undefined : never;
type Small = { bigint?: false | undefined };
type Big = { bigint: true };

type Pattern = typeof import('node:fs') extends { globSync: unknown } ? string | readonly string[] : NotInThisNode;
type Matches<T> = (err: NodeJS.ErrnoException | null, matches: T) => void;

interface GlobChoice<T> {
  cwd?: string | URL | undefined;
  exclude?: ((fileName: T) => boolean) | readonly string[] | undefined;
  followSymlinks?: boolean | undefined;
}
interface WithFileTypes extends GlobChoice<Dirent> {
  withFileTypes: true;
}
interface WithoutFileTypes extends GlobChoice<string> {
  withFileTypes?: false | undefined;
}
interface MaybeFileTypes extends GlobChoice<Dirent | string> {
  withFileTypes?: boolean | undefined;
}

declare module 'node:fs' {
  export function stat(path: PathLike, callback: Callback<Stats>): void;
  export function stat(path: PathLike, options?: StatOptions & Small & Throwing): Started<Stats>;
  export function stat(path: PathLike, options: StatOptions & Big & Throwing): Started<BigIntStats>;
  export function stat(path: PathLike, options: StatOptions & Small & Forgiving): Started<Stats | undefined>;
  export function stat(path: PathLike, options: StatOptions & Big & Forgiving): Started<BigIntStats | undefined>;
  export function stat(path: PathLike, options: StatOptions | undefined): Started<Stats | BigIntStats | Missing>;
  export function stat(path: PathLike, callback: Callback<Stats>): void;
  export function stat(
    path: PathLike,
    options: (StatOptions & Small & Throwing) | undefined,
    callback: Callback<Stats>,
  ): void;
  export function stat(path: PathLike, options: StatOptions & Big & Throwing, callback: Callback<BigIntStats>): void;
  export function stat(
    path: PathLike,
    options: StatOptions & Small & Forgiving,
    callback: Callback<Stats | undefined>,
  ): void;
  export function stat(
    path: PathLike,
    options: StatOptions & Big & Forgiving,
    callback: Callback<BigIntStats | undefined>,
  ): void;
  export function stat(
    path: PathLike,
    options: StatOptions | undefined,
    callback: Callback<Stats | BigIntStats | Missing>,
  ): void;

  export function glob(pattern: Pattern, callback: Matches<string[]>): void;
  export function glob(pattern: Pattern, options: WithFileTypes): Started<Dirent[]>;
  export function glob(pattern: Pattern, options?: WithoutFileTypes): Started<string[]>;
  export function glob(pattern: Pattern, options: MaybeFileTypes): Started<Dirent[] | string[]>;
  export function glob(pattern: Pattern, callback: Matches<string[]>): void;
  export function glob(pattern: Pattern, options: WithFileTypes, callback: Matches<Dirent[]>): void;
  export function glob(pattern: Pattern, options: WithoutFileTypes, callback: Matches<string[]>): void;
  export function glob(pattern: Pattern, options: MaybeFileTypes, callback: Matches<Dirent[] | string[]>): void;
}
