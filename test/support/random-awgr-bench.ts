import type { RandomStream } from '../../core/random.ts'
import { AWGR_PARAMETERS } from '../../sim/optics/parameters/awgr-parameters.ts'
import {
  CHANNELS_PER_GENERATOR,
  connector,
  list,
  pick,
  PORTS_PER_METER,
  randomHeaterBank,
  randomImperfections,
  randomLaserDbm,
  randomRangeDbm,
  randomSurroundings,
  whole,
} from './random-settings.ts'

/** The text of a bench file: 2 to 6 ports and wavelengths, either form, wired in any order, any settings, any chip. */
export function randomAwgrBench(random: RandomStream): string {
  const size = whole(random, 2, 6)
  const form = pick(random, ['per-port', 'shared'])
  const channelSpacingGhz = pick(random, [12.5, 25, 50, 100, 200])
  const banks = form === 'shared' ? 1 : size
  const counts = { lasers: size, modulators: size, photodiodes: 2 * size, heaters: banks * size }
  const { instruments, sections } = randomSurroundings(random, counts)
  const ports = Array.from({ length: size }, (_, port) => port)
  const [inputs, plus, minus] = [shuffled(random, ports), shuffled(random, ports), shuffled(random, ports)]
  // JSON is YAML.
  return JSON.stringify({
    name: 'random-awgr-bench',
    core: { kind: 'awgr', form, size, channelSpacingGhz },
    instruments,
    wavelengths: ports.map((index) => ({
      laser: `laser-${index}`,
      frequencyThz: Number((193.1 + (channelSpacingGhz / 1e3) * index).toFixed(4)),
      powerDbm: randomLaserDbm(random),
    })),
    ports: {
      drive: inputs.map((at) => connector('awg', CHANNELS_PER_GENERATOR, at)),
      bias: inputs.map((at) => `mbx-${at}`),
      plus: plus.map((at) => connector('pm', PORTS_PER_METER, at)),
      minus: minus.map((at) => connector('pm', PORTS_PER_METER, size + at)),
    },
    detection: { kind: 'balanced-intensity', rangeDbm: randomRangeDbm(random) },
    heaters: {
      ...randomHeaterBank(random),
      channels: { rings: list(banks, (bank) => ringsOf(random, bank * size, bank * size + size - 1)) },
    },
    ...sections,
    twin: {
      ...randomImperfections(random, AWGR_PARAMETERS),
      ...randomRouter(random, size, channelSpacingGhz),
      frequencyCombSpacingGhz: pick(random, [0, 0, channelSpacingGhz, channelSpacingGhz / 2]),
      eamExtinctionDb: pick(random, [0, random.uniform(3, 20)]),
      ...pick(random, [{}, {}, { modulator: 'eam', eamExtinctionDb: undefined }, { noise: 'lightning-emulator' }]),
    },
  })
}

/** Channels of one bank, upwards or the other way round. */
const ringsOf = (random: RandomStream, first: number, last: number): string =>
  random.uniform() < 0.5 ? `${first}-${last}` : `${last}-${first}`

function shuffled(random: RandomStream, numbers: readonly number[]): readonly number[] {
  const order = numbers.map((number) => ({ number, at: random.uniform() }))
  return order.sort((left, right) => left.at - right.at).map(({ number }) => number)
}

/** Lines and passbands no wider than the grid, and a free spectral range that holds all channels. */
const randomRouter = (
  random: RandomStream,
  size: number,
  channelSpacingGhz: number,
): Readonly<Record<string, number>> => ({
  ringFwhmGhz: random.uniform(5, Math.min(40, channelSpacingGhz)),
  awgrPassband3DbGhz: random.uniform(0.3, 1) * channelSpacingGhz,
  ringFreeSpectralRangeThz: (size * channelSpacingGhz * random.uniform(1, 4)) / 1e3,
})
