/**
 * The calls of `node:dns` that newer versions of Node know more of: TLSA records came with 22.15. With older types they
 * take no argument that could be given.
 */
import type { AnyRecord, CaaRecord, MxRecord, NaptrRecord, SoaRecord, SrvRecord } from 'node:dns';
import type { Started } from '../started.ts';
import type { NotInThisNode } from './not-in-this-node.ts';

type Tlsa = typeof import('node:dns/promises') extends { resolveTlsa(hostname: string): Promise<infer R> } ? R : never;
type IfTlsa<T> = [Tlsa] extends [never] ? NotInThisNode : T;
type Address = 'A' | 'AAAA' | 'CNAME' | 'NS' | 'PTR';
type Records =
  | string[]
  | CaaRecord[]
  | MxRecord[]
  | NaptrRecord[]
  | SoaRecord
  | SrvRecord[]
  | Tlsa
  | string[][]
  | AnyRecord[];
type Callback<T> = (err: NodeJS.ErrnoException | null, addresses: T) => void;

declare module 'node:dns' {
  export function resolve(hostname: string, rrtype?: Address): Started<string[]>;
  export function resolve(hostname: string, rrtype: 'ANY'): Started<AnyRecord[]>;
  export function resolve(hostname: string, rrtype: 'CAA'): Started<CaaRecord[]>;
  export function resolve(hostname: string, rrtype: 'MX'): Started<MxRecord[]>;
  export function resolve(hostname: string, rrtype: 'NAPTR'): Started<NaptrRecord[]>;
  export function resolve(hostname: string, rrtype: 'SOA'): Started<SoaRecord>;
  export function resolve(hostname: string, rrtype: 'SRV'): Started<SrvRecord[]>;
  export function resolve(hostname: string, rrtype: IfTlsa<'TLSA'>): Started<Tlsa>;
  export function resolve(hostname: string, rrtype: 'TXT'): Started<string[][]>;
  export function resolve(hostname: string, rrtype: string): Started<Records>;
  export function resolve(hostname: string, callback: Callback<string[]>): void;
  export function resolve(hostname: string, rrtype: Address, callback: Callback<string[]>): void;
  export function resolve(hostname: string, rrtype: 'ANY', callback: Callback<AnyRecord[]>): void;
  export function resolve(hostname: string, rrtype: 'CAA', callback: Callback<CaaRecord[]>): void;
  export function resolve(hostname: string, rrtype: 'MX', callback: Callback<MxRecord[]>): void;
  export function resolve(hostname: string, rrtype: 'NAPTR', callback: Callback<NaptrRecord[]>): void;
  export function resolve(hostname: string, rrtype: 'SOA', callback: Callback<SoaRecord>): void;
  export function resolve(hostname: string, rrtype: 'SRV', callback: Callback<SrvRecord[]>): void;
  export function resolve(hostname: string, rrtype: IfTlsa<'TLSA'>, callback: Callback<Tlsa>): void;
  export function resolve(hostname: string, rrtype: 'TXT', callback: Callback<string[][]>): void;
  export function resolve(hostname: string, rrtype: string, callback: Callback<Records>): void;

  export function resolveTlsa(hostname: IfTlsa<string>): Started<Tlsa>;
  export function resolveTlsa(hostname: IfTlsa<string>, callback: Callback<Tlsa>): void;
}
