export interface HislipFrame {
  readonly kind: HislipKind
  readonly control: number
  readonly parameter: number
  readonly payload: Uint8Array
}

/** What came instead of a frame. After `malformed` nothing that follows can be told apart. */
export type HislipOddity =
  | { readonly odd: 'malformed' }
  | { readonly odd: 'unknown-type'; readonly type: number }
  | { readonly odd: 'too-large'; readonly kind: HislipKind }

/** By their numbers. Source: IVI-6.1 rev. 2.0, table 4. */
const KINDS = [
  'Initialize',
  'InitializeResponse',
  'FatalError',
  'Error',
  'AsyncLock',
  'AsyncLockResponse',
  'Data',
  'DataEND',
  'DeviceClearComplete',
  'DeviceClearAcknowledge',
  'AsyncRemoteLocalControl',
  'AsyncRemoteLocalResponse',
  'Trigger',
  'Interrupted',
  'AsyncInterrupted',
  'AsyncMaximumMessageSize',
  'AsyncMaximumMessageSizeResponse',
  'AsyncInitialize',
  'AsyncInitializeResponse',
  'AsyncDeviceClear',
  'AsyncServiceRequest',
  'AsyncStatusQuery',
  'AsyncStatusResponse',
  'AsyncDeviceClearAcknowledge',
  'AsyncLockInfo',
  'AsyncLockInfoResponse',
] as const

export type HislipKind = (typeof KINDS)[number]

const HEADER_BYTES = 16
const PROLOGUE_H = 0x48
const PROLOGUE_S = 0x53
const NOTHING: Uint8Array = new Uint8Array(0)

export function hislipFrame(kind: HislipKind, control = 0, parameter = 0, payload = NOTHING): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + payload.length)
  const view = new DataView(bytes.buffer)
  bytes[0] = PROLOGUE_H
  bytes[1] = PROLOGUE_S
  bytes[2] = KINDS.indexOf(kind)
  bytes[3] = control
  view.setUint32(4, parameter)
  view.setBigUint64(8, BigInt(payload.length))
  bytes.set(payload, HEADER_BYTES)
  return bytes
}

/** A message size as it is told to the other side. Units: bytes. */
export function messageSize(bytes: number): Uint8Array {
  const payload = new Uint8Array(8)
  new DataView(payload.buffer).setBigUint64(0, BigInt(bytes))
  return payload
}

/** Undefined when it is none. */
export function readMessageSize(payload: Uint8Array): number | undefined {
  if (payload.length !== 8) return undefined
  const size = new DataView(payload.buffer, payload.byteOffset, 8).getBigUint64(0)
  return Number(size < Number.MAX_SAFE_INTEGER ? size : Number.MAX_SAFE_INTEGER)
}

/**
 * Cuts frames out of one client's bytes, in any pieces.
 *
 * A payload longer than the limit is thrown away as it comes, and so is one of an unknown type: neither is kept.
 */
export class HislipFrameReader {
  readonly #largestPayloadBytes: number
  readonly #ready: (HislipFrame | HislipOddity)[] = []
  readonly #header = new Uint8Array(HEADER_BYTES)
  readonly #view = new DataView(this.#header.buffer)
  #headerBytes = 0
  #missing = 0n
  #kept: Uint8Array[] | undefined
  #deaf = false

  constructor(largestPayloadBytes: number) {
    this.#largestPayloadBytes = largestPayloadBytes
  }

  /** Payloads are views of `bytes` where they can be. */
  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && !this.#deaf;) {
      if (this.#headerBytes < HEADER_BYTES) {
        const taken = Math.min(HEADER_BYTES - this.#headerBytes, bytes.length - at)
        this.#header.set(bytes.subarray(at, at + taken), this.#headerBytes)
        this.#headerBytes += taken
        at += taken
        if (this.#headerBytes === HEADER_BYTES) this.#begin()
      } else {
        const taken = this.#missing < BigInt(bytes.length - at) ? Number(this.#missing) : bytes.length - at
        this.#kept?.push(bytes.subarray(at, at + taken))
        this.#missing -= BigInt(taken)
        at += taken
        if (this.#missing === 0n) this.#finish()
      }
    }
  }

  /** Whether `next` would bring something. */
  get ready(): boolean {
    return this.#ready.length > 0
  }

  next(): HislipFrame | HislipOddity | undefined {
    return this.#ready.shift()
  }

  #begin(): void {
    if (this.#header[0] !== PROLOGUE_H || this.#header[1] !== PROLOGUE_S) {
      this.#deaf = true
      this.#ready.push({ odd: 'malformed' })
      return
    }
    this.#missing = this.#view.getBigUint64(8)
    const type = this.#header[2]!
    const kind = KINDS[type]
    if (kind === undefined) this.#ready.push({ odd: 'unknown-type', type })
    else if (this.#missing > BigInt(this.#largestPayloadBytes)) this.#ready.push({ odd: 'too-large', kind })
    else this.#kept = []
    if (this.#missing === 0n) this.#finish()
  }

  #finish(): void {
    this.#headerBytes = 0
    if (this.#kept === undefined) return
    const pieces = this.#kept
    this.#kept = undefined
    this.#ready.push({
      kind: KINDS[this.#header[2]!]!,
      control: this.#header[3]!,
      parameter: this.#view.getUint32(4),
      payload: pieces.length > 1 ? Buffer.concat(pieces) : (pieces[0] ?? NOTHING),
    })
  }
}
