/** `node:dns` without callbacks. Written by scripts/monkey-types.ts: `npm run monkey-types`. */
// biome-ignore-all format: generated
import type { AnyRecord, CaaRecord, LookupAddress, LookupAllOptions, LookupOneOptions, LookupOptions, MxRecord, NaptrRecord, RecordWithTtl, ResolveOptions, ResolveWithTtlOptions, SoaRecord, SrvRecord } from 'node:dns';
import type { Started } from '../started.ts';

declare module 'node:dns' {
  export function lookup(hostname: string, callback: (err: NodeJS.ErrnoException | null, address: string, family: number) => void): void;
  export function lookup(hostname: string, family: number): Started<{ address: string; family: number }>;
  export function lookup(hostname: string, options: LookupOneOptions): Started<{ address: string; family: number }>;
  export function lookup(hostname: string, options: LookupAllOptions): Started<LookupAddress[]>;
  export function lookup(hostname: string, options: LookupOptions): Started<LookupAddress | LookupAddress[]>;
  export function lookup(hostname: string): Started<{ address: string; family: number }>;
  export function lookup(hostname: string, family: number, callback: (err: NodeJS.ErrnoException | null, address: string, family: number) => void): void;
  export function lookup(hostname: string, options: LookupOneOptions, callback: (err: NodeJS.ErrnoException | null, address: string, family: number) => void): void;
  export function lookup(hostname: string, options: LookupAllOptions, callback: (err: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void): void;
  export function lookup(hostname: string, options: LookupOptions, callback: (err: NodeJS.ErrnoException | null, address: string | LookupAddress[], family: number) => void): void;
  export function lookup(hostname: string, callback: (err: NodeJS.ErrnoException | null, address: string, family: number) => void): void;
  export function lookupService(address: string, port: number): Started<{ hostname: string; service: string }>;
  export function lookupService(address: string, port: number, callback: (err: NodeJS.ErrnoException | null, hostname: string, service: string) => void): void;
  export function resolve4(hostname: string, callback: (err: NodeJS.ErrnoException | null, addresses: string[]) => void): void;
  export function resolve4(hostname: string): Started<string[]>;
  export function resolve4(hostname: string, options: ResolveWithTtlOptions): Started<RecordWithTtl[]>;
  export function resolve4(hostname: string, options: ResolveOptions): Started<string[] | RecordWithTtl[]>;
  export function resolve4(hostname: string, callback: (err: NodeJS.ErrnoException | null, addresses: string[]) => void): void;
  export function resolve4(hostname: string, options: ResolveWithTtlOptions, callback: (err: NodeJS.ErrnoException | null, addresses: RecordWithTtl[]) => void): void;
  export function resolve4(hostname: string, options: ResolveOptions, callback: (err: NodeJS.ErrnoException | null, addresses: string[] | RecordWithTtl[]) => void): void;
  export function resolve6(hostname: string, callback: (err: NodeJS.ErrnoException | null, addresses: string[]) => void): void;
  export function resolve6(hostname: string): Started<string[]>;
  export function resolve6(hostname: string, options: ResolveWithTtlOptions): Started<RecordWithTtl[]>;
  export function resolve6(hostname: string, options: ResolveOptions): Started<string[] | RecordWithTtl[]>;
  export function resolve6(hostname: string, callback: (err: NodeJS.ErrnoException | null, addresses: string[]) => void): void;
  export function resolve6(hostname: string, options: ResolveWithTtlOptions, callback: (err: NodeJS.ErrnoException | null, addresses: RecordWithTtl[]) => void): void;
  export function resolve6(hostname: string, options: ResolveOptions, callback: (err: NodeJS.ErrnoException | null, addresses: string[] | RecordWithTtl[]) => void): void;
  export function resolveCname(hostname: string): Started<string[]>;
  export function resolveCname(hostname: string, callback: (err: NodeJS.ErrnoException | null, addresses: string[]) => void): void;
  export function resolveCaa(hostname: string): Started<CaaRecord[]>;
  export function resolveCaa(hostname: string, callback: (err: NodeJS.ErrnoException | null, records: CaaRecord[]) => void): void;
  export function resolveMx(hostname: string): Started<MxRecord[]>;
  export function resolveMx(hostname: string, callback: (err: NodeJS.ErrnoException | null, addresses: MxRecord[]) => void): void;
  export function resolveNaptr(hostname: string): Started<NaptrRecord[]>;
  export function resolveNaptr(hostname: string, callback: (err: NodeJS.ErrnoException | null, addresses: NaptrRecord[]) => void): void;
  export function resolveNs(hostname: string): Started<string[]>;
  export function resolveNs(hostname: string, callback: (err: NodeJS.ErrnoException | null, addresses: string[]) => void): void;
  export function resolvePtr(hostname: string): Started<string[]>;
  export function resolvePtr(hostname: string, callback: (err: NodeJS.ErrnoException | null, addresses: string[]) => void): void;
  export function resolveSoa(hostname: string): Started<SoaRecord>;
  export function resolveSoa(hostname: string, callback: (err: NodeJS.ErrnoException | null, address: SoaRecord) => void): void;
  export function resolveSrv(hostname: string): Started<SrvRecord[]>;
  export function resolveSrv(hostname: string, callback: (err: NodeJS.ErrnoException | null, addresses: SrvRecord[]) => void): void;
  export function resolveTxt(hostname: string): Started<string[][]>;
  export function resolveTxt(hostname: string, callback: (err: NodeJS.ErrnoException | null, addresses: string[][]) => void): void;
  export function resolveAny(hostname: string): Started<AnyRecord[]>;
  export function resolveAny(hostname: string, callback: (err: NodeJS.ErrnoException | null, addresses: AnyRecord[]) => void): void;
  export function reverse(ip: string): Started<string[]>;
  export function reverse(ip: string, callback: (err: NodeJS.ErrnoException | null, hostnames: string[]) => void): void;
}
