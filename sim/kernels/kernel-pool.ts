import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { BenchError } from '../../core/errors.ts'
import type { KernelReply, KernelRequest } from './kernel-worker.ts'
import type { KernelTaskName, KernelTasks } from './kernel-tasks.ts'
import type { Kernels } from './kernels.ts'

interface Queued {
  readonly request: KernelRequest
  readonly resolve: (result: number) => void
  readonly reject: (error: Error) => void
  readonly signal: AbortSignal
}

interface Thread {
  readonly worker: Worker
  /** It has loaded what it needs, or has ended. */
  readonly begun: Promise<void>
  running: Queued | undefined
}

/**
 * Worker threads that run kernels side by side on one shared memory; nothing is copied.
 *
 * A part that has begun ends before an abort is seen; those that wait are dropped. Parts of one call write to rows of
 * their own, so the result does not depend on the number of threads.
 */
export class KernelPool implements AsyncDisposable {
  readonly threads: number
  readonly #threads: Thread[]
  readonly #queue: Queued[] = []
  #closed = false

  constructor(kernels: Kernels, threads: number) {
    this.threads = threads
    // Compiled or not, the other file is as this one is.
    const entry = new URL(`./kernel-worker${extname(import.meta.url)}`, import.meta.url)
    const [engineName, memory] = [kernels.engineName, kernels.memory.memory]
    this.#threads = Array.from({ length: threads }, (_, thread) =>
      this.#start(new Worker(entry, { workerData: { engineName, memory, thread } })),
    )
  }

  /** Threads that have nothing to do, and nothing waiting for them. */
  get idle(): number {
    return this.#threads.reduce((count, { running }) => (running === undefined ? count + 1 : count), 0)
  }

  /**
   * Runs one task a part and adds up what they return.
   *
   * Throws: the signal's reason; CALL_INVALID for what a kernel refuses, or when the pool is closed.
   * Leaves: no part of this call running, whatever happens.
   */
  async run<Name extends KernelTaskName>(
    name: Name,
    parts: readonly KernelTasks[Name][],
    signal: AbortSignal,
  ): Promise<number> {
    signal.throwIfAborted()
    const results = await Promise.allSettled(parts.map((task) => this.#enqueue({ name, task }, signal)))
    signal.throwIfAborted()
    return results.reduce((sum, result) => {
      if (result.status === 'rejected') throw result.reason
      return sum + result.value
    }, 0)
  }

  /** Ends the threads; parts that run or wait fail. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    for (const { reject } of this.#queue.splice(0)) reject(closedPool())
    // A thread that is ended while it loads a library takes the process with it.
    await Promise.all(this.#threads.map(({ begun, worker }) => begun.then(() => worker.terminate())))
  }

  #enqueue(request: KernelRequest, signal: AbortSignal): Promise<number> {
    if (this.#closed) return Promise.reject(closedPool())
    return new Promise((resolve, reject) => {
      this.#queue.push({ request, resolve, reject, signal })
      this.#dispatch()
    })
  }

  #dispatch(): void {
    for (const thread of this.#threads) {
      while (thread.running === undefined && this.#queue.length > 0) {
        const next = this.#queue.shift()!
        if (next.signal.aborted) next.reject(next.signal.reason as Error)
        else {
          thread.running = next
          thread.worker.postMessage(next.request)
        }
      }
    }
  }

  #start(worker: Worker): Thread {
    let begin: () => void
    const thread: Thread = { worker, begun: new Promise((resolve) => (begin = resolve)), running: undefined }
    const settle = (settleOne: (queued: Queued) => void): void => {
      const { running } = thread
      thread.running = undefined
      if (running !== undefined) settleOne(running)
    }
    worker.on('message', (reply: KernelReply) => {
      if ('ready' in reply) return begin()
      settle(({ resolve, reject }) => {
        if ('error' in reply) reject(new BenchError('CALL_INVALID', reply.error))
        else resolve(reply.result)
      })
      this.#dispatch()
    })
    worker.on('error', (cause) => {
      // A thread that could not start, or died, takes the pool with it: nobody would take its share.
      this.#closed = true
      const error = new BenchError('CALL_INVALID', `a kernel thread has ended: ${String(cause)}`, { cause })
      settle(({ reject }) => reject(error))
      for (const { reject } of this.#queue.splice(0)) reject(error)
    })
    worker.on('exit', () => {
      begin()
      settle(({ reject }) => reject(closedPool()))
    })
    return thread
  }
}

/** Parts of rows that begin at multiples of eight, about as many and as large as `count` threads need. */
export function partsOf(rows: number, count: number): readonly { readonly first: number; readonly rows: number }[] {
  const size = Math.max(8, 8 * Math.ceil(rows / count / 8))
  return Array.from({ length: Math.ceil(rows / size) }, (_, part) => ({
    first: part * size,
    rows: Math.min(size, rows - part * size),
  }))
}

const closedPool = (): BenchError => new BenchError('CALL_INVALID', 'the kernel threads are closed')
