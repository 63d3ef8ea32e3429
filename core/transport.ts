import type { BenchError } from './errors.ts'

/** `tx` to the instrument, `rx` from it, `ctl` an operation without bytes of its own, `err` a failure of the wire. */
export type WireDirection = 'tx' | 'rx' | 'ctl' | 'err'

/** Where bytes arrive. Calls never overlap and never happen inside `write`. */
export interface ByteReceiver {
  /** `bytes` are lent: valid during the call. */
  onBytes(bytes: Uint8Array): void
  /** What came last ends a message. Only wires that mark the end of a message say so. */
  onEnd(): void
  /** The far end is gone; the transport is unusable until `resynchronise`. */
  onLost(error: BenchError): void
  /** Nothing more will come for the exchange under way, as in the recorded run: time is up now. */
  onDeadline(): void
}

/** What message-based wires (VXI-11, HiSLIP, USBTMC, GPIB) can do beside bytes. Throws as `ByteTransport.write` does. */
export interface MessageControls {
  /** Serial poll: the status byte with RQS in bit 6, which the poll clears. */
  readStatusByte(signal: AbortSignal): Promise<number>
  /** The trigger of the bus, as `*TRG`. */
  trigger(signal: AbortSignal): Promise<void>
  /** `listener` runs each time the instrument asks for service; it replaces the one before. Poll to learn why. */
  onServiceRequest(listener: () => void, signal: AbortSignal): Promise<void>
}

/**
 * One end of a wire: bytes in, bytes out, no framing.
 *
 * Throws: TRANSPORT_LOST from `write` when the far end is gone.
 */
export interface ByteTransport extends AsyncDisposable {
  /** VISA-style name, for messages. */
  readonly resource: string
  /** True in a replay: `onDeadline` alone says when time is up, so the session sets no timer of its own. */
  readonly keepsDeadlines?: boolean
  /** Only on wires that have them. */
  readonly controls?: MessageControls
  /** Called once, by the session that owns this wire. */
  connect(receiver: ByteReceiver): void
  /** Bytes leave in the order of the calls. One command, one write. */
  write(bytes: Uint8Array, signal: AbortSignal): Promise<void>
  /**
   * Asks for the reply to what was written, on wires where the far end speaks only when it is asked to. The reply
   * arrives as ever; a wire that fails says so by `onLost`; when none comes in time, nothing happens.
   */
  pull?(timeoutMs: number): void
  /**
   * `write` and `pull` in one, on wires where the reply can be asked for before the far end has confirmed the question.
   * Resolves when it has; the reply may come before.
   */
  inquire?(bytes: Uint8Array, timeoutMs: number, signal: AbortSignal): Promise<void>
  /** After it resolves, nothing asked before can still answer. Sockets reconnect; serial lines wait for silence. */
  resynchronise(signal: AbortSignal): Promise<void>
}

/** Sees every byte of one wire before any parser does. */
export interface WireTap {
  /** Step to which the bytes of the present exchange belong. */
  cause: number
  record(direction: WireDirection, bytes: Uint8Array): void
}
