import { energyTable } from './energy-table.ts'
import type { KernelsDocument, KernelsRecord } from './kernels-job.ts'
import { sizeText } from './matmul-job.ts'
import { measured, seconds } from './numbers.ts'

export function kernelsReport(document: KernelsDocument): string[] {
  const { run, product } = document
  return [
    `run ${run}: C (${sizeText(product)}) in ${seconds(document.seconds)}, computed without instruments`,
    ...kernelsQuality(document),
  ]
}

/** The quality and the energy of a product that kernels computed, and what is better in them than on a bench. */
export function kernelsQuality(record: KernelsRecord): string[] {
  const { effectiveBits, nrmse, checked, elements, bitsUncertainty, blocks, tiles, overRange, engine, energy } = record
  const bits =
    effectiveBits === null
      ? 'exact'
      : `${effectiveBits.toFixed(2)}${bitsUncertainty > 0 ? ` ± ${bitsUncertainty.toFixed(2)}` : ''} effective bits`
  const how =
    checked === elements
      ? `all ${count(elements)} elements compared with float64`
      : `${count(checked)} of ${count(elements)} elements compared with float64, 95 % confidence`
  return [
    `quality: ${bits}, NRMSE ${measured(nrmse)}; ${how}`,
    `  ${blocks} blocks of rows through ${count(tiles)} tiles; ${count(overRange)} readings over range`,
    `  computed by ${engine}`,
    `  idealised: ${record.idealised.join('; ')}`,
    ...energyTable(energy),
  ]
}

const count = (value: number): string => value.toLocaleString('en-US')
