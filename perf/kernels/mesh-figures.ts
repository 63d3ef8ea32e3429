import { clementsPlaces } from '../../core/mesh-layout.ts'
import { CounterRandom } from '../../core/random.ts'
import { Kernels } from '../../sim/kernels/kernels.ts'
import { FieldBatch, MeshMatrix, MeshProgram } from '../../sim/kernels/mesh-program.ts'
import type { Figure, Measured } from '../figure.ts'
import { figure } from '../figure.ts'
import { PeerProcess } from './peer-process.ts'
import { interleaved, milliseconds } from './rounds.ts'

const BATCH = 1024
const ROUNDS = 25
const IN_A_ROW = 5
const IMPERFECT = 'splitter errors σ = 0.02, 2×2 matrices from phases included, 1 thread'

/** Light through an imperfect mesh, beside vectorised NumPy and plain C over the same columns. */
export async function meshFigures(): Promise<readonly Figure[]> {
  return [...(await propagation(64)), ...(await propagation(256))]
}

async function propagation(size: number): Promise<readonly Figure[]> {
  const kernels = new Kernels('wasm')
  const random = new CounterRandom(1, 'mesh')
  const places = clementsPlaces(size)
  const devices = places.map((_, k) => ({
    alphaRad: 0.02 * random.normal(2 * k),
    betaRad: 0.02 * random.normal(2 * k + 1),
    fieldRatio: 1,
  }))
  const program = new MeshProgram(kernels, size, places, devices)
  const theta = Float64Array.from(places, (_, k) => 6 * random.uniform(10 * k))
  const phi = Float64Array.from(places, (_, k) => 6 * random.uniform(10 * k + 5))
  const fields = new FieldBatch(kernels, size, BATCH)
  const restart = (): void => {
    for (let i = 0; i < fields.re.length; i++) [fields.re[i], fields.im[i]] = [Math.sin(i), Math.cos(1.7 * i)]
  }
  const matrix = new MeshMatrix(kernels, size)
  const inARow = Array.from({ length: IN_A_ROW })
  const transfer = (): void => {
    program.setPhases(theta, phi)
    matrix.setIdentity()
    program.fold(matrix)
  }

  await using numpy = await PeerProcess.numpy('propagate.py', [size, BATCH], 1)
  await using portable = await PeerProcess.c(['-O3'], [size, BATCH])
  await using native = await PeerProcess.c(['-O3', '-march=native'], [size, BATCH])
  const none = (): number => NaN
  const taken = await interleaved(
    {
      ours: () => {
        restart()
        return milliseconds(() => {
          program.setPhases(theta, phi)
          program.propagate(fields)
        })
      },
      // A single one after the peers' turns would be timed by the caches that they left.
      transfer: () => milliseconds(() => inARow.forEach(transfer)) / inARow.length,
      numpy: () => numpy?.round('propagate') ?? none(),
      portable: () => portable?.round('general') ?? none(),
      portableRotations: () => portable?.round('rotations') ?? none(),
      native: () => native?.round('general') ?? none(),
    },
    ROUNDS,
  )
  const name = `N = ${size}, ${BATCH} fields`
  const times = (
    peer: 'numpy' | 'portable' | 'portableRotations' | 'native',
  ): Pick<Measured, 'value' | 'unit' | 'better'> => ({
    value: taken.ratio(peer, 'ours'),
    unit: '× as fast',
    better: 'higher',
  })
  return [
    figure({
      name: `${name}: propagation`,
      value: taken.median('ours'),
      unit: 'ms',
      better: 'lower',
      against: IMPERFECT,
    }),
    ...(numpy === undefined
      ? []
      : [
          figure({
            name: `${name}: than NumPy`,
            ...times('numpy'),
            goal: 5,
            against: `columns vectorised, ${numpy.about}`,
          }),
        ]),
    ...(portable === undefined
      ? []
      : [
          figure({
            name: `${name}: than C`,
            ...times('portable'),
            goal: 1,
            against: `same columns, ${portable.about}`,
          }),
          figure({
            name: `${name}: than C with our 18 operations`,
            ...times('portableRotations'),
            against: `its matrices are made before, ${portable.about}`,
          }),
        ]),
    ...(native === undefined
      ? []
      : [figure({ name: `${name}: than native C`, ...times('native'), against: `same columns, ${native.about}` })]),
    ...(portable === undefined ? [noPeer(`${name}: than C`, 'there is no C compiler here')] : []),
    ...(numpy === undefined ? [noPeer(`${name}: than NumPy`, 'there is no NumPy here')] : []),
    figure({
      name: `N = ${size}: transfer matrix from phases`,
      value: taken.median('transfer'),
      unit: 'ms',
      better: 'lower',
      ...(size === 64 ? { goal: 0.4 } : {}),
      against: `float64, 1 thread, ${IN_A_ROW} in a row`,
    }),
  ]
}

/** Stands where a comparison could not be made, and says why. */
export function noPeer(name: string, why: string): Figure {
  return figure({ name, value: 0, unit: 'not measured', better: 'higher', against: why })
}
