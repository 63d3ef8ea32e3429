import { readBenchFile, requireKind } from '../bench/bench-file.ts'
import { RandomStream } from '../core/random.ts'
import type { Figure } from './figure.ts'
import { figure, median } from './figure.ts'
import { calibrateWith } from './faulty-benches/calibrate-with.ts'
import type { Outcome } from './faulty-benches/calibrate-with.ts'
import { DEFECT_KINDS, defectOf } from './faulty-benches/defects.ts'
import { NO_DEFECTS } from '../sim/optics/defects.ts'

const SEEDS = 20
/** An accepted calibration may multiply by so much less than that of the sound bench. */
const MAX_BITS_LOST = 0.5

/** The default bench with one thing broken, a chip and a victim a seed: what its calibration says, without wires. */
export async function faultyBenches(): Promise<readonly Figure[]> {
  const file = requireKind(await readBenchFile('examples/mesh-8x8.yaml'), 'mesh')
  const sound: Outcome[] = []
  for (let seed = 1; seed <= SEEDS; seed++) {
    sound.push(await calibrateWith(file, seed, NO_DEFECTS))
    process.stderr.write(`\rsound benches: seed ${seed} of ${SEEDS} `)
  }
  const bitsOf = (outcome: Outcome): number => (outcome.kind === 'accepted' ? outcome.bits : 0)
  const figures = [
    figure({
      name: 'sound benches accepted',
      value: sound.filter(({ kind }) => kind === 'accepted').length,
      unit: 'of 20',
      better: 'higher',
      goal: SEEDS,
      against: 'no false alarm',
    }),
    figure({
      name: 'sound benches, effective bits, median',
      value: median(sound.map(bitsOf)),
      unit: 'bits',
      better: 'higher',
      against: 'random normal 64×64 products',
    }),
    figure({
      name: 'sound benches, vectors, median',
      value: median(sound.map((outcome) => (outcome.kind === 'accepted' ? outcome.vectors : NaN))),
      unit: 'vectors',
      better: 'lower',
      against: 'input vectors of the whole calibration',
    }),
  ]
  let wrong = 0
  for (const kind of DEFECT_KINDS) {
    let named = 0
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { defects, what, isNamed } = defectOf(kind, file, new RandomStream(seed, `victims/${kind}`))
      const outcome = await calibrateWith(file, seed, defects)
      if (outcome.kind === 'refused' && isNamed(outcome.error)) named++
      else {
        const said = outcome.kind === 'refused' ? outcome.error.message : `accepted, ${outcome.bits.toFixed(2)} bits`
        console.error(`\n${kind}, seed ${seed}, ${what}: ${said}`)
      }
      if (outcome.kind === 'accepted' && outcome.bits < bitsOf(sound[seed - 1]!) - MAX_BITS_LOST) wrong++
      process.stderr.write(`\r${kind}: seed ${seed} of ${SEEDS} `)
    }
    figures.push(
      figure({
        name: `${kind}: named`,
        value: named,
        unit: 'of 20',
        better: 'higher',
        goal: SEEDS,
        against: 'lane, port or heaters in the error’s context',
      }),
    )
  }
  process.stderr.write('\n')
  return [
    ...figures,
    figure({
      name: 'wrong calibrations accepted',
      value: wrong,
      unit: '1',
      better: 'lower',
      goal: 0,
      against: `${MAX_BITS_LOST} bits below the sound bench of the same chip`,
    }),
  ]
}
