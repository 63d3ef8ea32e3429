import { setMaxListeners } from 'node:events'
import { keepFreedMemory } from '../cli/keep-freed-memory.ts'
import { accuracy } from './accuracy.ts'
import { awgrTemperature } from './awgr-temperature.ts'
import { blockRate } from './block-rate.ts'
import type { Figure } from './figure.ts'
import { printFigures, writeFigures } from './figure.ts'
import { CALIBRATION_BENCHMARKS, writeCalibrationPage } from './calibration-page.ts'
import { drift } from './drift.ts'
import { faults } from './faults.ts'
import { faultyBenches } from './faulty-benches.ts'
import { fuzz } from './fuzz.ts'
import { journal } from './journal.ts'
import { intensity12 } from './intensity-12.ts'
import { kernels } from './kernels.ts'
import { largeMatmul } from './large-matmul.ts'
import { laws } from './laws.ts'
import { ledger } from './ledger.ts'
import { writePerformancePage } from './performance-page.ts'
import { largerCores } from './larger-cores.ts'
import { meshError } from './mesh-error.ts'
import { numerics } from './numerics.ts'
import { polling } from './polling.ts'
import { refinement } from './refinement.ts'
import { streaming } from './streaming.ts'
import { wireRates } from './wire-rates.ts'

// Dozens of instruments listen to one signal; Node would call that a leak.
setMaxListeners(1000)

/** `npm run bench [-- NAME…]`: measures, prints a table and writes perf/results/NAME.json. */
const BENCHMARKS: Readonly<Record<string, () => Promise<readonly Figure[]>>> = {
  accuracy,
  drift,
  numerics,
  'larger-cores': largerCores,
  'awgr-temperature': awgrTemperature,
  'mesh-error': meshError,
  'intensity-12': intensity12,
  'wire-rates': wireRates,
  'block-rate': blockRate,
  refinement,
  polling,
  journal,
  faults,
  'faulty-benches': faultyBenches,
  fuzz,
  kernels,
  'large-matmul': largeMatmul,
  laws,
  ledger,
  streaming,
}

/** Several by one name. */
const GROUPS: Readonly<Record<string, readonly string[]>> = { calibration: CALIBRATION_BENCHMARKS }

const asked = process.argv.slice(2).flatMap((name) => GROUPS[name] ?? [name])
const unknown = asked.filter((name) => !Object.hasOwn(BENCHMARKS, name))
if (unknown.length > 0) {
  console.error(
    `no benchmark is called ${unknown.join(', ')}; there are ${[...Object.keys(BENCHMARKS), ...Object.keys(GROUPS)].join(', ')}`,
  )
  process.exit(2)
}
// As every command that lights a bench.
keepFreedMemory()
for (const [name, measure] of Object.entries(BENCHMARKS)) {
  if (asked.length > 0 && !asked.includes(name)) continue
  console.log(`\n${name}`)
  // A goal that is not met is a result; only a measurement that could not be made fails the process.
  try {
    const figures = await measure()
    printFigures(figures)
    await writeFigures(name, figures)
  } catch (error) {
    console.error(`${name} could not be measured:`, error)
    process.exitCode = 1
  }
}
await writePerformancePage()
await writeCalibrationPage()
