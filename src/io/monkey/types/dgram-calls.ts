/** `node:dgram` without callbacks. Written by scripts/monkey-types.ts: `npm run monkey-types`. */
// biome-ignore-all format: generated
import type { Started } from '../started.ts';

declare module 'node:dgram' {
  interface Socket {
    connect(port: number, address?: string): Started<void>;
    connect(port: number): Started<void>;
    connect(port: number, address: string | undefined, callback: () => void): void;
    connect(port: number, callback: () => void): void;
    send(msg: string | NodeJS.ArrayBufferView | readonly any[], port?: number, address?: string): Started<number>;
    send(msg: string | NodeJS.ArrayBufferView | readonly any[], port?: number): Started<number>;
    send(msg: string | NodeJS.ArrayBufferView | readonly any[]): Started<number>;
    send(msg: string | NodeJS.ArrayBufferView, offset: number, length: number, port?: number, address?: string): Started<number>;
    send(msg: string | NodeJS.ArrayBufferView, offset: number, length: number, port?: number): Started<number>;
    send(msg: string | NodeJS.ArrayBufferView, offset: number, length: number): Started<number>;
    send(msg: string | NodeJS.ArrayBufferView | readonly any[], port: number | undefined, address: string | undefined, callback: (error: Error | null, bytes: number) => void): void;
    send(msg: string | NodeJS.ArrayBufferView | readonly any[], port: number | undefined, callback: (error: Error | null, bytes: number) => void): void;
    send(msg: string | NodeJS.ArrayBufferView | readonly any[], callback: (error: Error | null, bytes: number) => void): void;
    send(msg: string | NodeJS.ArrayBufferView, offset: number, length: number, port: number | undefined, address: string | undefined, callback: (error: Error | null, bytes: number) => void): void;
    send(msg: string | NodeJS.ArrayBufferView, offset: number, length: number, port: number | undefined, callback: (error: Error | null, bytes: number) => void): void;
    send(msg: string | NodeJS.ArrayBufferView, offset: number, length: number, callback?: (error: Error | null, bytes: number) => void): void;
  }
}
