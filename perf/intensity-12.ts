import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Figure } from './figure.ts'
import { figure, median } from './figure.ts'
import { TARGETS } from './intensity-12/chip.ts'
import type { Measured } from './intensity-12/chip.ts'

const CHIPS = 20

/**
 * A 12-mode mesh read by photodiodes, calibrated from cold: how well it is known and how well it is programmed. A thread a
 * processor, each with a chip at a time.
 *
 * Published: 12 modes, 126 shifters; 2.9 % on held-out settings, 99.77 % over 100 Haar matrices, 20,625 vectors. Fyrillas
 * et al., Optica 11, 427 (2024).
 */
export async function intensity12(): Promise<readonly Figure[]> {
  const results: Measured[] = []
  let next = 1
  const oneByOne = async (): Promise<void> => {
    while (next <= CHIPS) {
      const worker = new Worker(new URL('./intensity-12/chip-worker.js', import.meta.url), { workerData: next++ })
      const [measured] = (await once(worker, 'message')) as [Measured]
      results.push(measured)
      process.stderr.write(`\r12 modes by intensities, ${results.length} of ${CHIPS} chips `)
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, oneByOne))
  process.stderr.write('\n')
  const of = (value: (result: Measured) => number): number[] => results.map(value)
  const published = `Fyrillas et al. 2024, a real chip; ${CHIPS} chips of the twin`
  const both = (
    name: string,
    values: readonly number[],
    rest: {
      readonly unit: string
      readonly better: 'higher' | 'lower'
      readonly goal?: number
      readonly against: string
    },
  ): Figure[] => [
    figure({ ...rest, name: `${name}, median`, value: median(values) }),
    figure({
      ...rest,
      name: `${name}, worst chip`,
      value: rest.better === 'higher' ? Math.min(...values) : Math.max(...values),
    }),
  ]
  return [
    ...both(
      'TVD of the fitted chip on held-out settings, as read',
      of(({ heldOutTvd }) => 100 * heldOutTvd),
      { unit: '%', better: 'lower', goal: 0.5, against: `2.9 %: ${published}` },
    ),
    ...both(
      `amplitude fidelity, mean of ${TARGETS} Haar unitaries`,
      of(({ amplitudeFidelity }) => 100 * amplitudeFidelity),
      {
        unit: '%',
        better: 'higher',
        goal: 99.95,
        against: `99.77 %: ${published}; light itself, outputs by their fitted gains`,
      },
    ),
    ...both(
      'amplitude fidelity as read on the bench',
      of(({ readFidelity }) => 100 * readFidelity),
      {
        unit: '%',
        better: 'higher',
        goal: 99.95,
        against: `99.77 %: ${published}; each input lit by both signs, dark modulators taken off`,
      },
    ),
    ...both(
      `TVD from ${TARGETS} Haar unitaries`,
      of(({ targetTvd }) => 100 * targetTvd),
      { unit: '%', better: 'lower', against: 'losses and splitters out of reach included; light itself' },
    ),
    ...both(
      'the same, of the fitted chip',
      of(({ modelTvd }) => 100 * modelTvd),
      {
        unit: '%',
        better: 'lower',
        goal: 0.5,
        against: 'what it should show, programmed to the same unitaries; light itself',
      },
    ),
    ...both(
      'TVD as read on the bench',
      of(({ readTvd }) => 100 * readTvd),
      { unit: '%', better: 'lower', against: 'each input lit by both signs, dark modulators taken off' },
    ),
    figure({
      name: 'intensity vectors',
      value: Math.max(...of(({ vectors }) => vectors)),
      unit: 'vectors',
      better: 'lower',
      goal: 4000,
      against: `20,625: ${published}; dark, held-out and verifying ones included`,
    }),
    figure({
      name: 'computing time',
      value: median(of(({ seconds }) => seconds)),
      unit: 's',
      better: 'lower',
      against: 'calibration and twin, one thread',
    }),
  ]
}
