import { BenchError } from '../../core/errors.ts'
import type { BaseSetting } from './base-setting.ts'

/** Of what ports show in the middle, over all settings looked at. Losses of paths and responsivities differ by far less. */
const DARK_SHARE = 0.1

/**
 * Refuses an output without light, and an input that brings none.
 *
 * Throws: CALIBRATION_FAILED naming the lane and the port.
 */
export function requireLitPorts(size: number, settings: readonly BaseSetting[]): void {
  const [inputs, outputs] = [new Float64Array(size), new Float64Array(size)]
  for (const { powers } of settings) {
    for (const [at, power] of powers.entries()) {
      inputs[Math.floor(at / size)]! += power
      outputs[at % size]! += power
    }
  }
  requireLit(outputs, (port) => `output ${port}: its photodiode sees no light; check its fibre and the meter port`)
  requireLit(inputs, (port) => `input ${port}: no light comes of it; check its modulator, its drive and its fibre`)
}

function requireLit(powers: Float64Array, fault: (port: number) => string): void {
  const usual = powers.toSorted()[powers.length >> 1]!
  const port = powers.findIndex((power) => !(power > DARK_SHARE * usual))
  if (port < 0) return
  throw new BenchError('CALIBRATION_FAILED', `lane 0, ${fault(port)}`, {
    context: { lane: 0, port, share: powers[port]! / usual },
  })
}
