import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { BenchError } from '../../../core/errors.ts'
import type { VisaArgument, VisaEvent, VisaFailure, VisaOperation, VisaReply, VisaResult } from './visa-messages.ts'

/** A thread whose call of the library does not return ends when the process does. */
const CLOSE_PATIENCE_MS = 5_000

export interface VisaThreadListener {
  onEvent(event: VisaEvent): void
  /** The thread has ended although nobody closed it. */
  onEnded(error: BenchError): void
}

interface Waiting {
  readonly resolve: (result: never) => void
  readonly reject: (error: Error) => void
}

/**
 * The near end of a thread that speaks to a VISA library.
 *
 * Throws: what the operation threw; TRANSPORT_LOST when the thread ended; the signal's reason when it is aborted, and
 * then the operation may still take place.
 */
export class VisaThread {
  readonly #worker: Worker
  readonly #resource: string
  readonly #waiting = new Map<number, Waiting>()
  readonly #exit: Promise<void>
  #listener: VisaThreadListener | undefined
  #requests = 0
  #cause: unknown
  #ended: BenchError | undefined
  #closing = false

  constructor(worker: Worker, resource: string) {
    this.#worker = worker
    this.#resource = resource
    worker.on('message', (message: VisaReply | VisaEvent) => {
      if (message.is === 'done') this.#waiting.get(message.id)?.resolve(message.result as never)
      else if (message.is === 'failed') this.#waiting.get(message.id)?.reject(errorOf(message.failure))
      else this.#listener?.onEvent(message)
    })
    // 'exit' follows and is where the thread ends.
    worker.on('error', (cause) => (this.#cause = cause))
    this.#exit = new Promise((resolve) => {
      worker.once('exit', () => {
        const error = (this.#ended = threadEnded(resource, this.#cause))
        for (const { reject } of [...this.#waiting.values()]) reject(error)
        if (!this.#closing) this.#listener?.onEnded(error)
        resolve()
      })
    })
  }

  static start(resource: string): VisaThread {
    // Compiled or not, the other file is as this one is.
    const entry = new URL(`./visa-worker${extname(import.meta.url)}`, import.meta.url)
    return new VisaThread(new Worker(entry), resource)
  }

  /** Called once, by the owner of the thread. */
  listen(listener: VisaThreadListener): void {
    this.#listener = listener
  }

  get ended(): boolean {
    return this.#ended !== undefined
  }

  request<O extends VisaOperation>(
    operation: O,
    argument: VisaArgument<O>,
    signal: AbortSignal,
    transferred: readonly ArrayBuffer[] = [],
  ): Promise<VisaResult<O>> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended)
      if (signal.aborted) return reject(signal.reason as Error)
      const id = ++this.#requests
      const settle = (): void => {
        this.#waiting.delete(id)
        signal.removeEventListener('abort', onAbort)
      }
      const onAbort = (): void => {
        settle()
        reject(signal.reason as Error)
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiting.set(id, {
        resolve: (result) => {
          settle()
          resolve(result)
        },
        reject: (error) => {
          settle()
          reject(error)
        },
      })
      this.#worker.postMessage({ id, operation, argument }, [...transferred])
    })
  }

  /**
   * Ends the thread after the call of the library that is under way.
   *
   * Throws: TRANSPORT_TIMEOUT when that call does not return.
   */
  async close(): Promise<void> {
    if (!this.#closing && !this.ended) {
      this.#closing = true
      // An error is told by the exit, too.
      this.request('close', undefined, new AbortController().signal).catch(() => undefined)
    }
    let timer: NodeJS.Timeout | undefined
    const patience = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(hangs(this.#resource)), CLOSE_PATIENCE_MS)
    })
    try {
      await Promise.race([this.#exit, patience])
    } finally {
      clearTimeout(timer)
    }
  }
}

export function errorOf({ code, message, context }: VisaFailure): BenchError {
  return new BenchError(code, message, { context })
}

function threadEnded(resource: string, cause: unknown): BenchError {
  const reason = cause instanceof Error ? `: ${cause.message}` : ''
  return new BenchError(
    'TRANSPORT_LOST',
    `${resource}: the thread that speaks to the VISA library has ended${reason}`,
    {
      cause,
      context: { resource },
    },
  )
}

function hangs(resource: string): BenchError {
  return new BenchError(
    'TRANSPORT_TIMEOUT',
    `${resource}: a call of the VISA library has not returned within ${CLOSE_PATIENCE_MS} ms`,
    { context: { resource } },
  )
}
