import { readBenchFile } from '../bench/bench-file.ts'
import { serveTwin } from '../bench/connect-twin.ts'
import { SystemClock } from '../core/clock.ts'
import type { CommandContext } from './command-context.ts'
import { EXIT } from './exit-codes.ts'
import type { ExitCode } from './exit-codes.ts'
import type { SimFlags } from './options.ts'
import { textTable } from './text-table.ts'

/** `fringe sim`: the simulated instruments for other programs, each behind a port of this machine, until interrupted. */
export async function sim(
  { output, signal }: CommandContext,
  benchPath: string,
  { seed = 1, paced = false, core }: SimFlags,
): Promise<ExitCode> {
  const file = await readBenchFile(benchPath, core)
  await using served = await serveTwin(file, { seed, paced, clock: new SystemClock() })
  const rows = served.instruments.map(({ name, driver, resource }) => [name, driver, resource])
  const titles = ['instrument', 'driver', 'resource'].map((title) => ({ title }))
  const found = served.announced ? '; "fringe discover --interface lo" finds those on network ports' : ''
  output.say(...textTable(titles, rows), `${file.name}, chip ${seed}: every port listens; Ctrl-C ends it${found}`)
  output.document({ instruments: served.instruments })
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
    // Pseudo-terminals alone do not keep a process alive.
    const alive = setInterval(() => undefined, 2 ** 30)
    signal.addEventListener('abort', () => clearInterval(alive), { once: true })
  })
  return EXIT.done
}
