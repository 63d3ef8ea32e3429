import type { BenchFile } from '../bench/bench-file.ts'
import { BenchError } from '../core/errors.ts'
import type { CalibrationWish } from './calibrate-job.ts'
import { placeOfCore } from './place-of-core.ts'

/**
 * What each core of a job is to take; ids stand in the order of the cores.
 *
 * Throws: CALL_INVALID, before anything is opened, for more or fewer ids than cores.
 */
export function calibrationWishes(
  files: readonly BenchFile[],
  ids: readonly string[] | undefined,
  maxAgeS: number | undefined,
): readonly CalibrationWish[] {
  if (ids !== undefined && ids.length !== files.length) throw wrongNumber(files, ids)
  return files.map((_, index) => ({
    ...(ids !== undefined && { id: ids[index]! }),
    ...(maxAgeS !== undefined && { maxAgeS }),
  }))
}

function wrongNumber(files: readonly BenchFile[], ids: readonly string[]): BenchError {
  const first = files[0]!
  const named = ids.length === 1 ? '1 calibration is named' : `${ids.length} calibrations are named`
  if (files.length === 1) {
    return new BenchError('CALL_INVALID', `${named}, and ${placeOfCore(first)} takes one`, { context: { ids } })
  }
  const names = files.map(({ core }) => core!)
  const message = `${named}, and ${first.path} has the cores ${names.join(', ')}: name one for each, in this order, or choose a core, like --core ${names[0]!}`
  return new BenchError('CALL_INVALID', message, { context: { ids, cores: names } })
}
