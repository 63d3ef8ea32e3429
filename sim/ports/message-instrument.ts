/**
 * The far end of a message-based wire (VXI-11, HiSLIP, USBTMC): messages that end, an answer that waits until it is
 * fetched, and operations beside the bytes.
 *
 * Source: IEEE 488.2 message exchange as described in Keysight "B2900 SCPI Command Reference" ch. 1 and 5.
 */
export interface MessageInstrument {
  /** One client's conversation: input and output buffers of its own, the instrument's state shared. */
  open(client: MessageClient): MessageSession
}

/** What the instrument tells whoever carries its messages. Never called inside a call of the session. */
export interface MessageClient {
  /** There is an answer to fetch. */
  onAnswer(): void
  /** What took time and might have been answered ended without an answer. */
  onNoAnswer?(): void
  /** An answer that nobody had fetched was dropped for a new message (-410). */
  onInterrupted(): void
  /** Bit 6 of the status byte rose: the instrument wants to be served. */
  onServiceRequest(statusByte: number): void
}

export interface MessageSession {
  /** A piece of a message; `end` makes it whole, with or without a line end. */
  receive(bytes: Uint8Array, end: boolean): void
  /** Takes the answer, or its next `maxBytes`; undefined while there is none. `end`: that was all of it. */
  read(maxBytes: number): { readonly bytes: Uint8Array; readonly end: boolean } | undefined
  /** An answer is being made, or waits to be fetched. */
  readonly owesAnswer: boolean
  /** The client wanted an answer, and nothing had been asked: -420. */
  readUnasked(): void
  /** The client says that it did not take the answer that it was sent: -410. */
  answerIgnored?(): void
  /** Device clear: both buffers empty, what was being answered given up; settings and errors stay. */
  clear(): void
  /** The bus's own trigger, as `*TRG`. */
  trigger(): void
  /**
   * Serial poll: the status byte with RQS in bit 6, which the poll clears. `messageAvailable` where the carrier knows
   * better than the output buffer, as HiSLIP does.
   */
  poll(messageAvailable?: boolean): number
  close(): void
}

/** Whether a simulated instrument can be put behind a message-based wire, too. */
export function isMessageInstrument(instrument: object): instrument is MessageInstrument {
  return 'open' in instrument && typeof instrument.open === 'function'
}
