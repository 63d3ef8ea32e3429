import type { Figure } from './figure.ts'
import { figure } from './figure.ts'
import { CODECS } from './fuzz/codecs.ts'
import { fuzz as fuzzCodec } from './fuzz/run.ts'
import type { FuzzOutcome } from './fuzz/run.ts'

const INPUTS = 200_000
const SEED = 1

/** Damaged messages for every codec on both sides of the wire. */
export async function fuzz(): Promise<readonly Figure[]> {
  const outcomes: FuzzOutcome[] = []
  for (const codec of CODECS) {
    const outcome = await fuzzCodec(codec, SEED, INPUTS)
    outcomes.push(outcome)
    console.log(`${codec.name}: ${outcome.refused} of ${outcome.inputs} refused`)
    for (const what of [...outcome.crashes, ...outcome.stalls].slice(0, 10)) console.error(what)
  }
  const total = (count: (outcome: FuzzOutcome) => number): number => outcomes.reduce((sum, one) => sum + count(one), 0)
  const against = `${CODECS.length} codecs, both sides, ${INPUTS} damaged vectors each`
  return [
    figure({ name: 'inputs', value: total(({ inputs }) => inputs), unit: '1', better: 'higher', against }),
    figure({
      name: 'crashes',
      value: total(({ crashes }) => crashes.length),
      unit: '1',
      better: 'lower',
      goal: 0,
      against,
    }),
    figure({
      name: 'stalls and growth without bound',
      value: total(({ stalls }) => stalls.length),
      unit: '1',
      better: 'lower',
      goal: 0,
      against,
    }),
  ]
}
