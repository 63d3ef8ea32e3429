import type { AwgrCalibration } from '../calibration/awgr/awgr-record.ts'
import { WeightProgrammer } from '../calibration/awgr/programming.ts'
import { bankLight } from '../calibration/awgr/ring-bank.ts'
import { awgrLayout } from '../core/awgr-layout.ts'
import type { SpectrumPicture } from '../pictures/spectrum-chart.ts'
import type { HeaterSetting } from './fitted-mesh.ts'

/** Points of the spectrum from one channel to the next: lines of a few tens of gigahertz show their shape. */
const POINTS_PER_CHANNEL = 60

/**
 * Light behind the ring bank of input port 0 as a calibration fitted it, over all channels and one beside: what it
 * drops, relative to a ring's largest drop, and what it lets through.
 *
 * `frequenciesThz` are those of the lasers. Throws: RANGE_EXCEEDED when shared rings cannot make the weights.
 */
export function fittedSpectrum(
  calibration: AwgrCalibration,
  frequenciesThz: readonly number[],
  setting: HeaterSetting,
): Pick<SpectrumPicture, 'frequenciesThz' | 'series'> {
  const layout = awgrLayout(calibration.size, calibration.form)
  const firstThz = frequenciesThz[0]!
  const lasersGhz = Float64Array.from(frequenciesThz, (thz) => (thz - firstThz) * 1e3)
  const maxV = setting === 'cold' ? 0 : setting.maxVoltageV
  const programmer = new WeightProgrammer(layout, lasersGhz, calibration, maxV)
  const voltagesV =
    setting === 'cold' ? new Float64Array(layout.heaters.length) : programmer.program(setting.weights).voltagesV
  const bank = programmer.bankStates(voltagesV)[0]!
  const spacingGhz = lasersGhz.length > 1 ? lasersGhz[1]! : 100
  const points = (calibration.size + 1) * POINTS_PER_CHANNEL + 1
  const gridGhz = Float64Array.from({ length: points }, (_, i) => (i / POINTS_PER_CHANNEL - 1) * spacingGhz)
  const lights = Array.from(gridGhz, (ghz) => bankLight(bank, ghz))
  const db = (ratio: number): number => 10 * Math.log10(ratio)
  return {
    frequenciesThz: gridGhz.map((ghz) => firstThz + ghz / 1e3),
    series: [
      { name: 'dropped', valuesDb: lights.map(({ drop }) => db(drop)) },
      { name: 'let through', valuesDb: lights.map(({ through }) => db(through)) },
    ],
  }
}
