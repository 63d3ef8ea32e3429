// Entry of a thread that runs kernels over shared memory.
import { parentPort, workerData } from 'node:worker_threads'
import { makeEngine } from './kernels.ts'
import type { EngineName } from './kernels.ts'
import { runTask } from './kernel-tasks.ts'
import type { KernelTaskName, KernelTasks } from './kernel-tasks.ts'

export interface KernelRequest {
  readonly name: KernelTaskName
  readonly task: KernelTasks[KernelTaskName]
}

/** The first one says that the thread has all it needs. */
export type KernelReply = { readonly ready: true } | { readonly result: number } | { readonly error: string }

const { engineName, memory, thread } = workerData as {
  readonly engineName: EngineName
  readonly memory: WebAssembly.Memory
  /** Which of its pool's threads this is. */
  readonly thread: number
}
const engine = makeEngine(engineName, memory)

parentPort?.on('message', ({ name, task }: KernelRequest) => parentPort?.postMessage(reply(name, task)))
parentPort?.postMessage({ ready: true } satisfies KernelReply)

function reply(name: KernelTaskName, task: KernelTasks[KernelTaskName]): KernelReply {
  try {
    return { result: runTask(engine, name, task as never, thread) }
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  }
}
