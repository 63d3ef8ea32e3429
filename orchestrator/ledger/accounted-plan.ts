import type { LightBench } from '../../core/light-bench.ts'
import type { Plan } from '../plans/plan.ts'
import { accountRun } from './account-energy.ts'
import type { Heading, RunEnergy } from './energy.ts'
import { PowerLedger } from './power-ledger.ts'
import type { LedgerLog } from './power-ledger.ts'

/** The step behind which lasers are lit. */
const LIGHT = 'light'
/** What brings a bench from cold and dark to where it can be used. */
const WARM_UP: ReadonlySet<string> = new Set(['warm up', 'prepare frames', LIGHT])

/** Steps of a plan that are neither warm-up, pause nor the job itself learn what the bench is like. */
function headingOf(step: string): Heading {
  if (WARM_UP.has(step)) return 'warm-up'
  if (step === 'wait') return 'idle'
  return step === 'multiply' ? 'job' : 'calibration'
}

/**
 * A plan whose energy is counted: before each of its steps, and once more behind the last, all power meters are looked
 * at; each step's time has its heading, and that of the looks is idle.
 */
export async function* accounted<Result>(plan: Plan<Result>, ledger: PowerLedger): Plan<Result> {
  const look = async (signal: AbortSignal): Promise<void> => {
    ledger.begin('idle')
    await ledger.look(signal)
  }
  try {
    for (;;) {
      const next = await plan.next()
      if (next.done === true) {
        yield {
          name: 'account energy',
          work: async (signal) => {
            await look(signal)
            ledger.end()
          },
        }
        return next.value
      }
      const step = next.value
      yield {
        ...step,
        work: async (signal, progress) => {
          await look(signal)
          ledger.begin(headingOf(step.name))
          await step.work(signal, progress)
          if (step.name === LIGHT) ledger.lightOn()
        },
      }
    }
  } finally {
    await plan.return(undefined as never)
  }
}

/** What else a plan ends with. */
export interface Accounted {
  readonly energy: RunEnergy
}

/** A plan that ends with its result and the energy of its run. */
export async function* withEnergy<Result>(
  bench: LightBench,
  log: LedgerLog,
  plan: Plan<Result>,
): Plan<Result & Accounted> {
  const ledger = new PowerLedger(bench, log)
  const result = yield* accounted(plan, ledger)
  return { ...result, energy: accountRun(ledger) }
}
