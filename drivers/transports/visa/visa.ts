import type { BenchError } from '../../../core/errors.ts'
import type { ByteReceiver, ByteTransport, MessageControls } from '../../../core/transport.ts'
import { pinLibrary } from './pinned-library.ts'
import { VISA_ATTRIBUTES } from './visa-attributes.ts'
import type { SettableVisaAttribute, VisaAttribute, VisaAttributeValue } from './visa-attributes.ts'
import type { VisaEvent } from './visa-messages.ts'
import { VisaThread, errorOf } from './visa-thread.ts'

export interface VisaOptions {
  /** File of the VISA library. Default: what the environment names, else what is installed. */
  readonly library?: string
  /** Keep the instrument from other programs for as long as it is open. Default: no. */
  readonly lock?: boolean
}

/**
 * Any resource of a VISA library that is found at run time: NI-VISA, Keysight IO Libraries, R&S VISA.
 *
 * The library's calls block, so each session has a thread of its own; a call under way ends within 100 ms while
 * reading and 3 s while writing, which is how long an abort or a close may take to be heard by the library.
 * To resynchronise is a device clear; where that fails, the resource is opened anew.
 * Throws: TRANSPORT_OPEN_FAILED without a library or an instrument; TRANSPORT_LOCKED when another holds it;
 * TRANSPORT_LOST when it goes; TRANSPORT_TIMEOUT when it takes only a part of what is written.
 */
export class VisaTransport implements ByteTransport {
  readonly resource: string
  /** On GPIB, USB, VXI-11 and HiSLIP; not on serial ports and sockets. */
  readonly controls?: MessageControls
  readonly #name: string
  readonly #options: VisaOptions
  #thread: VisaThread
  #receiver: ByteReceiver | undefined
  #onServiceRequest: (() => void) | undefined
  #lastWrite: Promise<unknown> = Promise.resolve()

  private constructor(resource: string, name: string, options: VisaOptions, { thread, messageBased }: OpenThread) {
    this.resource = resource
    this.#name = name
    this.#options = options
    this.#thread = thread
    this.#listen()
    if (messageBased) this.controls = this.#messageControls()
  }

  /** `resource` is how the bench file writes it, `name` how the library does. */
  static async open(resource: string, name: string, options: VisaOptions, signal: AbortSignal): Promise<VisaTransport> {
    return new VisaTransport(resource, name, options, await openThread(resource, name, options, signal))
  }

  connect(receiver: ByteReceiver): void {
    this.#receiver = receiver
  }

  write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    const written = this.#lastWrite.then(() => this.#write(bytes, signal))
    this.#lastWrite = written.catch(() => undefined)
    return written
  }

  pull(timeoutMs: number): void {
    // A read that fails says so by an event; a thread that has ended has said so already.
    this.#thread.request('read', { timeoutMs }, NEVER).catch(() => undefined)
  }

  async resynchronise(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (!this.#thread.ended) return this.#thread.request('clear', undefined, signal)
    const { thread } = await openThread(this.resource, this.#name, this.#options, signal)
    this.#thread = thread
    this.#listen()
    if (this.#onServiceRequest !== undefined) await this.#thread.request('watchServiceRequests', undefined, signal)
    await this.#thread.request('clear', undefined, signal)
  }

  /** Throws: CALL_INVALID for an attribute that this resource does not have. */
  async getAttribute<A extends VisaAttribute>(attribute: A, signal: AbortSignal): Promise<VisaAttributeValue<A>> {
    const { id, is } = VISA_ATTRIBUTES[attribute]
    const value =
      is === 'text'
        ? await this.#thread.request('getText', { id }, signal)
        : await this.#thread.request('getNumber', { id }, signal)
    return (is === 'flag' ? value !== 0 : value) as VisaAttributeValue<A>
  }

  /** Stays set when the resource has to be opened anew. Throws: CALL_INVALID for what this resource does not take. */
  async setAttribute<A extends SettableVisaAttribute>(
    attribute: A,
    value: VisaAttributeValue<A>,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#thread.request('setNumber', { id: VISA_ATTRIBUTES[attribute].id, value: Number(value) }, signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#receiver = this.#onServiceRequest = undefined
    await this.#thread.close()
  }

  async #write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    // A copy of its own: a view would take the whole buffer behind it along.
    const copy = new Uint8Array(bytes)
    try {
      await this.#thread.request('write', copy, signal, [copy.buffer])
    } catch (error) {
      if (signal.aborted) this.#thread.request('stop', undefined, NEVER).catch(() => undefined)
      throw error
    }
  }

  #listen(): void {
    this.#thread.listen({
      onEvent: (event) => this.#hear(event),
      onEnded: (error: BenchError) => this.#receiver?.onLost(error),
    })
  }

  #hear(event: VisaEvent): void {
    switch (event.is) {
      case 'bytes':
        if (event.bytes.length > 0) this.#receiver?.onBytes(event.bytes)
        if (event.ended) this.#receiver?.onEnd()
        return
      case 'lost':
        return this.#receiver?.onLost(errorOf(event.failure))
      case 'service-request':
        return this.#onServiceRequest?.()
    }
  }

  #messageControls(): MessageControls {
    return {
      readStatusByte: (signal) => this.#thread.request('readStatusByte', undefined, signal),
      trigger: (signal) => this.#thread.request('trigger', undefined, signal),
      onServiceRequest: async (listener, signal) => {
        this.#onServiceRequest = listener
        await this.#thread.request('watchServiceRequests', undefined, signal)
      },
    }
  }
}

/** For what the library ends by itself. */
const NEVER = new AbortController().signal

interface OpenThread {
  readonly thread: VisaThread
  readonly messageBased: boolean
}

async function openThread(
  resource: string,
  name: string,
  { library, lock = false }: VisaOptions,
  signal: AbortSignal,
): Promise<OpenThread> {
  signal.throwIfAborted()
  const thread = VisaThread.start(resource)
  try {
    const opened = await thread.request('open', { resource, name, library, lock }, signal)
    await pinLibrary(opened.library)
    return { thread, messageBased: opened.messageBased }
  } catch (error) {
    // Whoever gave up need not wait until the library has; the thread then closes what it opened.
    const closed = thread.close().catch(() => undefined)
    if (!signal.aborted) await closed
    throw error
  }
}
