import { BenchError } from '../../core/errors.ts'
import type { LightBench } from '../../core/light-bench.ts'
import { allDone } from '../frames/frame-runner.ts'

/** Measured laser power may differ this much from what was asked for. */
const POWER_TOLERANCE_DB = 0.5
const OVEN_TOLERANCE_C = 0.2
const OVEN_POLL_MS = 1000
const OVEN_DEADLINE_MS = 300_000

/** Brings all ovens to their temperatures. Throws INSTRUMENT_NOT_SETTLED naming the oven. */
export async function warmUp(bench: LightBench, signal: AbortSignal): Promise<void> {
  const { clock } = bench
  await allDone(
    bench.ovens.map(async ({ name, controller, temperatureC }) => {
      await controller.setTemperatureC(temperatureC, signal)
      await controller.setRunning(true, signal)
      for (let waitedMs = 0; ; waitedMs += OVEN_POLL_MS) {
        const readC = await controller.readTemperatureC(signal)
        if (Math.abs(readC - temperatureC) <= OVEN_TOLERANCE_C) return
        if (waitedMs >= OVEN_DEADLINE_MS) {
          throw new BenchError(
            'INSTRUMENT_NOT_SETTLED',
            `${name} is at ${readC} °C after ${waitedMs / 1e3} s, not at ${temperatureC} °C`,
            {
              context: { name, readC, temperatureC },
            },
          )
        }
        await clock.sleep(OVEN_POLL_MS, signal)
      }
    }),
  )
}

/** Sets every laser and turns it on, checks what it emits, then locks every modulator at its null. */
export async function bringLight(bench: LightBench, signal: AbortSignal): Promise<void> {
  await bringLasers(bench, signal)
  await allDone(bench.lanes.flatMap(({ modulators }) => modulators.map(({ bias }) => bias.lockNull(signal))))
}

/** Sets every laser and turns it on, then checks what it emits. */
export async function bringLasers(bench: LightBench, signal: AbortSignal): Promise<void> {
  await allDone(
    bench.lasers.map(async ({ laser, frequencyThz, laserPower }, lane) => {
      await laser.setFrequencyThz(frequencyThz, signal)
      await laser.setPowerDbm(laserPower, signal)
      await laser.setEmission(true, signal)
      const measured = await laser.readPowerDbm(signal)
      if (!(Math.abs(measured - laserPower) <= POWER_TOLERANCE_DB)) {
        throw new BenchError(
          'INSTRUMENT_NOT_SETTLED',
          `the laser of lane ${lane} emits ${measured} dBm, not ${laserPower} dBm`,
          {
            context: { lane, measured, laserPower },
          },
        )
      }
    }),
  )
}
