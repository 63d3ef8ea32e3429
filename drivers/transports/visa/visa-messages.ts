import type { BenchErrorCode } from '../../../core/errors.ts'

/** What the thread of a session does when it is asked to, each with one argument or none. */
export interface VisaOperations {
  open(request: OpenRequest): Opened
  /** Names of all instruments that the library knows of. */
  find(request: { readonly library: string | undefined }): Found
  write(bytes: Uint8Array): void
  /** Begins to read; what comes is told by events. */
  read(request: { readonly timeoutMs: number }): void
  /** Ends what is being read or written. */
  stop(nothing: undefined): void
  clear(nothing: undefined): void
  readStatusByte(nothing: undefined): number
  trigger(nothing: undefined): void
  watchServiceRequests(nothing: undefined): void
  getNumber(attribute: { readonly id: number }): number
  getText(attribute: { readonly id: number }): string
  setNumber(attribute: { readonly id: number; readonly value: number }): void
  /** The last operation: the thread ends. */
  close(nothing: undefined): void
}

export type VisaOperation = keyof VisaOperations
export type VisaArgument<O extends VisaOperation> = Parameters<VisaOperations[O]>[0]
export type VisaResult<O extends VisaOperation> = ReturnType<VisaOperations[O]>

export interface OpenRequest {
  /** As the bench file writes it, for messages. */
  readonly resource: string
  /** As the library knows it. */
  readonly name: string
  readonly library: string | undefined
  readonly lock: boolean
}

export interface Opened {
  readonly library: string
  /** Messages that end, and operations beside bytes; else a stream of bytes. */
  readonly messageBased: boolean
}

export interface Found {
  readonly library: string
  readonly names: readonly string[]
}

export type VisaRequest = {
  [O in VisaOperation]: { readonly id: number; readonly operation: O; readonly argument: VisaArgument<O> }
}[VisaOperation]

/** A BenchError on its way between threads, where it would lose its class. */
export interface VisaFailure {
  readonly code: BenchErrorCode
  readonly message: string
  readonly context: Readonly<Record<string, unknown>>
}

export type VisaReply =
  | { readonly is: 'done'; readonly id: number; readonly result: unknown }
  | { readonly is: 'failed'; readonly id: number; readonly failure: VisaFailure }

export type VisaEvent =
  | { readonly is: 'bytes'; readonly bytes: Uint8Array; readonly ended: boolean }
  | { readonly is: 'lost'; readonly failure: VisaFailure }
  | { readonly is: 'service-request' }
