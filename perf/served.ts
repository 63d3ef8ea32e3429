import { fork } from 'node:child_process'
import { join } from 'node:path'
import type { Places } from './serve-instruments.ts'

/** Starts the simulated instruments in another process, so that both ends have a core of their own. */
export async function serveInstruments(): Promise<{ readonly places: Places } & Disposable> {
  const server = fork(join(import.meta.dirname, 'serve-instruments.js'), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const places = await new Promise<Places>((resolve, reject) => {
    server.once('message', (message) => resolve(message as Places))
    server.once('exit', (code) => reject(new Error(`the simulated instruments ended with code ${String(code)}`)))
  })
  return { places, [Symbol.dispose]: () => void server.kill() }
}
