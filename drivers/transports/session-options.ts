import type { ByteTransport, WireTap } from '../../core/transport.ts'
import type { Framer } from '../protocols/framer.ts'

/** How one instrument's conversation is led. */
export interface SessionOptions {
  /** Longest silence before a reply. */
  readonly timeoutMs: number
  readonly tap?: WireTap
  /** How this protocol gets rid of replies to a question that was given up. Default: the transport's own way. */
  readonly resynchronise?: (raw: RawWire, signal: AbortSignal) => Promise<void>
  /** Bytes that nobody asked for. Default: the session becomes suspect and resynchronises before the next exchange. */
  readonly onStray?: (bytes: Uint8Array) => void
  /**
   * Looks who answers once the wire has been cleared or reopened, before anything else is asked. `doubtful`: the
   * connection was lost, or commands were under way that nothing has confirmed.
   * Throws: INSTRUMENT_WRONG_IDENTITY; INSTRUMENT_STATE_LOST, after which the wire is in order; as `ask` does.
   */
  readonly recognise?: (ask: AskNow, doubtful: boolean) => Promise<void>
}

/** Asks ahead of the calls that wait for their turn. */
export type AskNow = <T>(request: Uint8Array, framer: Framer<T>) => Promise<T>

/** The wire without framing, for a resynchronisation that has to talk. */
export interface RawWire {
  readonly transport: ByteTransport
  write(bytes: Uint8Array, signal: AbortSignal): Promise<void>
  /** Resolves with the next bytes, or with undefined after `silenceMs` without any. */
  nextBytes(silenceMs: number, signal: AbortSignal): Promise<Uint8Array | undefined>
}
