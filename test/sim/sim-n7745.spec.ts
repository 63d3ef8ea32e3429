import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import { CounterRandom } from '../../core/random.ts'
import { digitise, encodeRecord, fullScaleMw, inDbm, inWatts } from '../../sim/instruments/n7745-converter.ts'
import { simN7745 } from '../../sim/instruments/sim-n7745.ts'
import { FakeDetectors } from '../support/fake-detectors.ts'
import { RawClient, settled } from '../support/scpi-wires.ts'
import { readVectors } from '../support/vectors.ts'

const OVER_RANGE = '+3.40000000E+038\n'

function sim() {
  const clock = new VirtualClock()
  const light = new FakeDetectors()
  const instrument = simN7745.create(light, { name: 'pm-0', seed: 1, clock, settings: {} })
  return { client: new RawClient(instrument), light, clock }
}

const error = (client: RawClient): string => client.ask('SYST:ERR?\n').trimEnd()

/** Port 1 in watts, range 0 dBm, free-running. */
function ready() {
  const bench = sim()
  bench.client.send('SENS1:POW:UNIT 1\nSENS1:POW:RANG:AUTO 0\nSENS1:POW:RANG 0DBM\n')
  return bench
}

const blockFloats = (reply: Buffer): number[] => {
  const digits = Number(String.fromCharCode(reply[1]!))
  const length = Number(reply.toString('latin1', 2, 2 + digits))
  expect(reply).toHaveLength(2 + digits + length + 1)
  expect(reply.at(-1)).toBe(10)
  return Array.from({ length: length / 4 }, (_, index) => reply.readFloatLE(2 + digits + 4 * index))
}

describe('the simulated N7745C', () => {
  test('says who it is, the same for the same name and seed', () => {
    const identity = sim().client.ask('*IDN?\n')
    expect(identity).toMatch(/^Keysight Technologies,N7745C,MY\d{8},V2\.022\n$/)
    expect(sim().client.ask('*IDN?\n')).toBe(identity)
  })

  test('follows the vectors, bytes in any pieces', async () => {
    for (const piece of [Infinity, 1]) {
      const { client, light } = sim()
      light.powerAtMw = () => 1
      for (const { meaning, sent, reply } of readVectors('n7745')) {
        client.send(sent, piece)
        await settled()
        expect(client.take().toString('latin1'), meaning).toBe(Buffer.from(reply).toString('latin1'))
      }
    }
  })

  test.each([
    [10, 20],
    [0, 2],
    [-10, 0.2],
    [-20, 0.02],
    [-30, 0.002],
  ])('in the %i dBm range reads up to %d mW, in 4096 steps', (rangeDbm, fullMw) => {
    const { client, light } = ready()
    client.send(`SENS1:POW:RANG ${rangeDbm}DBM\n`)
    const readMw = (powerMw: number): string => {
      light.powerAtMw = () => powerMw
      return client.ask('FETC1:POW?\n')
    }
    const stepMw = fullMw / 4096
    expect(Number(readMw(fullMw)) * 1e3).toBeCloseTo(fullMw, 9)
    expect(Number(readMw(100.4 * stepMw)) * 1e3).toBeCloseTo(100 * stepMw, 9)
    expect(Number(readMw(-3.4 * stepMw)) * 1e3).toBeCloseTo(-3 * stepMw, 9)
    expect(error(client)).toBe('+0,"No error"')
    expect(readMw(1.001 * fullMw)).toBe(OVER_RANGE)
    expect(error(client)).toBe('-231,"Data questionable"')
  })

  test.each([
    ['watts', true, inWatts],
    ['dBm', false, inDbm],
  ] as const)('a record in %s says of each point what a single reading says, to the last bit', (_unit, inWatt, say) => {
    const random = new CounterRandom(1, 'readings')
    const halves = Array.from({ length: 4096 }, (_, step) => step + 0.5)
    const justBelow = halves.map((steps) => steps * (1 - Number.EPSILON / 2))
    const anywhere = Array.from({ length: 10_000 }, (_, index) => 4100 * random.uniform(index) - 4)
    const odd = [0, -0, -0.2, -0.5, -0.7, -1.5, -1e20, 4096, 4096.4, 5000, NaN, -Infinity]
    // Full scale and steps of 1 mW, and those of a range.
    for (const fullScale of [4096, fullScaleMw(-10)]) {
      const samplesMw = Float64Array.from(
        [...halves, ...justBelow, ...anywhere, ...odd],
        (steps) => steps * (fullScale / 4096),
      )
      const singly = Float32Array.from(samplesMw, (powerMw) => say(digitise(powerMw, fullScale)))
      const record = new Float32Array(encodeRecord(samplesMw, fullScale, inWatt).buffer)
      expect([...record.keys()].filter((point) => !Object.is(record[point], singly[point]))).toEqual([])
    }
  })

  test('autoranging picks the smallest range that holds the light; a range switches it off', () => {
    const { client, light } = ready()
    client.send('SENS1:POW:RANG:AUTO 1\n')
    light.powerAtMw = () => 0.00123
    expect(Math.abs(Number(client.ask('FETC1:POW?\n')) * 1e3 - 0.00123)).toBeLessThan(0.002 / 4096)
    client.send('SENS1:POW:RANG -20DBM\n')
    expect(client.ask('SENS1:POW:RANG:AUTO?\n')).toBe('0\n')
  })

  test('answers in dBm or in watts, and darkness has no dBm', () => {
    const { client, light } = ready()
    light.powerAtMw = () => 0.5
    expect(client.ask('FETC1:POW?\n')).toBe('+5.00000000E-004\n')
    client.send('SENS1:POW:UNIT 0\n')
    expect(Number(client.ask('FETC1:POW?\n'))).toBeCloseTo(-3.0103, 4)
    light.powerAtMw = () => -0.001
    expect(client.ask('FETC1:POW?\n')).toBe(OVER_RANGE)
  })

  test('a port that does not run freely averages before it reads; until then there is the reading from before', async () => {
    const { client, light, clock } = ready()
    client.send('INIT1:CONT 0\nSENS1:POW:ATIM 50MS\n')
    expect(client.ask('FETC1:POW?\n')).toBe(OVER_RANGE)
    light.powerAtMw = () => 1
    client.send('READ1:POW?\n')
    expect(client.take()).toHaveLength(0)
    await settled()
    expect(client.take().toString()).toBe('+1.00000000E-003\n')
    expect(clock.monotonicNs()).toBe(50e6)
    light.powerAtMw = () => 0.5
    expect(client.ask('FETC1:POW?\n')).toBe('+1.00000000E-003\n')
    client.send('INIT1:IMM\n')
    expect(client.ask('FETC1:POW?\n')).toBe('+5.00000000E-004\n')
  })

  test('a question during averaging interrupts it: -410, and no late answer', async () => {
    const { client, light } = ready()
    light.powerAtMw = () => 1
    client.send('INIT1:CONT 0\nREAD1:POW?\nSENS1:POW:UNIT?\n')
    expect(client.take().toString()).toBe('+1\n')
    await settled()
    expect(client.take()).toHaveLength(0)
    expect(error(client)).toBe('-410,"Query INTERRUPTED"')
  })

  test('reads all ports in watts at once, as a block', async () => {
    const { client, light } = sim()
    light.powerAtMw = (channel) => (channel + 1) / 8
    client.send('READ:POW:ALL?\n')
    await settled()
    const floats = blockFloats(client.take())
    expect(floats).toHaveLength(8)
    floats.forEach((powerW, channel) => expect(powerW).toBeCloseTo((channel + 1) / 8000, 6))
  })

  test('logs what fell on the port since the pulse, and is complete when that time has passed', async () => {
    const { client, light, clock } = ready()
    light.powerAtMw = (_channel, timeS) => 0.25 * Math.floor(timeS / 1e-3)
    client.send('SENS1:FUNC:PAR:LOGG 4,1MS\nTRIG1:INP CME\nSENS1:FUNC:STAT LOGG,STAR\n')
    clock.moveTo(1e9)
    expect(client.ask('SENS1:FUNC:STAT?\n')).toBe('LOGGING_STABILITY,PROGRESS\n')
    light.pulse()
    await settled()
    clock.moveTo(1e9 + 3.99e6)
    expect(client.ask('SENS1:FUNC:STAT?\n')).toBe('LOGGING_STABILITY,PROGRESS\n')
    expect(client.ask('SENS1:FUNC:RES?\n')).toBe('')
    clock.moveTo(1e9 + 4e6)
    expect(client.ask('SENS1:FUNC:STAT?\n')).toBe('LOGGING_STABILITY,COMPLETE\n')
    client.send('SENS1:FUNC:RES?\n')
    const floats = blockFloats(client.take())
    expect(floats.map((powerW) => Math.round(powerW * 1e6))).toEqual([0, 250, 500, 750])
    expect(light.captures).toBe(1)
  })

  test('takes the record when the pulse has reached everything that it starts', async () => {
    const { client, light, clock } = ready()
    client.send('SENS1:FUNC:PAR:LOGG 1,1MS\nTRIG1:INP CME\nSENS1:FUNC:STAT LOGG,STAR\n')
    light.pulse()
    light.powerAtMw = () => 1
    await settled()
    clock.moveTo(1e6)
    client.send('SENS1:FUNC:RES?\n')
    expect(blockFloats(client.take())[0]).toBeCloseTo(1e-3, 9)
  })

  test('a second pulse does not disturb a record', async () => {
    const { client, light, clock } = ready()
    client.send('SENS1:FUNC:PAR:LOGG 4,1MS\nTRIG1:INP CME\nSENS1:FUNC:STAT LOGG,STAR\n')
    light.pulse()
    await settled()
    clock.moveTo(2e6)
    light.pulse()
    await settled()
    clock.moveTo(4e6)
    expect(client.ask('SENS1:FUNC:STAT?\n')).toBe('LOGGING_STABILITY,COMPLETE\n')
    expect(light.captures).toBe(1)
  })

  test('over-range points of a log are 3.4E+38, the others are not lost', async () => {
    const { client, light, clock } = ready()
    light.powerAtMw = (_channel, timeS) => (timeS < 1e-3 ? 3 : 1)
    client.send('SENS1:FUNC:PAR:LOGG 2,1MS\nTRIG1:INP CME\nSENS1:FUNC:STAT LOGG,STAR\n')
    light.pulse()
    await settled()
    clock.moveTo(2e6)
    client.send('SENS1:FUNC:RES?\n')
    const [first, second] = blockFloats(client.take())
    expect(first).toBeGreaterThan(1e38)
    expect(second).toBeCloseTo(1e-3, 9)
  })

  test('one point a pulse: it takes as many pulses as points', async () => {
    const { client, light, clock } = ready()
    light.powerAtMw = () => 1
    client.send('SENS1:FUNC:PAR:LOGG 3,1MS\nTRIG1:INP SME\nSENS1:FUNC:STAT LOGG,STAR\n')
    for (let pulse = 0; pulse < 3; pulse++) {
      clock.moveTo(10e6 * (pulse + 1))
      expect(client.ask('SENS1:FUNC:STAT?\n')).toBe('LOGGING_STABILITY,PROGRESS\n')
      light.pulse()
    }
    await settled()
    clock.moveTo(31e6)
    client.send('SENS1:FUNC:RES?\n')
    expect(blockFloats(client.take())).toHaveLength(3)
  })

  test('without trigger input a log begins when it is started', async () => {
    const { client, light, clock } = ready()
    light.powerAtMw = () => 1
    client.send('SENS1:FUNC:PAR:LOGG 3,1MS\nSENS1:FUNC:STAT LOGG,STAR\n')
    await settled()
    clock.moveTo(3e6)
    client.send('SENS1:FUNC:RES?\n')
    expect(blockFloats(client.take())).toHaveLength(3)
  })

  test.each(['SENS1:POW:WAV 1310NM', 'SENS1:POW:ATIM 1MS', 'TRIG1:INP IGN', 'SENS:POW:WAV:ALL 1310NM', 'TRIG:CONF 2'])(
    '%s stops a log under way on its ports, but a complete one can still be read',
    async (command) => {
      const { client, light, clock } = ready()
      const start = 'SENS1:FUNC:PAR:LOGG 2,1MS\nTRIG1:INP CME\nSENS1:FUNC:STAT LOGG,STAR\n'
      client.send(`${start}${command}\n`)
      expect(client.ask('SENS1:FUNC:STAT?\n')).toBe('NONE,COMPLETE\n')
      client.send(start)
      light.pulse()
      await settled()
      clock.moveTo(2e6)
      client.send(`${command}\nSENS1:FUNC:RES?\n`)
      expect(blockFloats(client.take())).toHaveLength(2)
    },
  )

  test('a log of many loops takes a record at each trigger, into two buffers in turn', async () => {
    const { client, light, clock } = ready()
    client.send('SENS1:FUNC:PAR:LOGG 2,10US\nTRIG1:INP CME\nSENS1:FUNC:LOOP 3\nSENS1:FUNC:STAT LOGG,STAR\n')
    const take = async (powerMw: number): Promise<void> => {
      light.powerAtMw = () => powerMw
      light.pulse()
      await settled()
    }
    const pass = (): void => clock.moveTo(clock.monotonicNs() + 20_000)
    const milliwatts = (buffer: string): number[] => {
      client.send(`SENS1:FUNC:${buffer}?\n`)
      return blockFloats(client.take()).map((powerW) => Math.round(4e6 * powerW) / 4e3)
    }
    expect(client.ask('SENS1:FUNC:RES:IND?\n')).toBe('+0\n')
    await take(0.25)
    expect(client.ask('SENS1:FUNC:RES:IND?\n')).toBe('+0\n')
    pass()
    expect(client.ask('SENS1:FUNC:RES:IND?\n')).toBe('+1\n')
    expect(client.ask('SENS1:FUNC:STAT?\n')).toBe('LOGGING_STABILITY,PROGRESS\n')
    expect(milliwatts('RES')).toEqual([0.25, 0.25])
    await take(0.5)
    expect([milliwatts('RES'), milliwatts('RES:BUFA')]).toEqual([
      [0.25, 0.25],
      [0.25, 0.25],
    ])
    client.send('SENS1:FUNC:RES:BUFB?\n')
    expect(error(client)).toMatch(/^-420,/)
    pass()
    expect([milliwatts('RES:BUFA'), milliwatts('RES:BUFB')]).toEqual([
      [0.25, 0.25],
      [0.5, 0.5],
    ])
    await take(0.75)
    pass()
    expect([milliwatts('RES:BUFA'), milliwatts('RES:BUFB')]).toEqual([
      [0.75, 0.75],
      [0.5, 0.5],
    ])
    expect(client.ask('SENS1:FUNC:STAT?\n')).toBe('LOGGING_STABILITY,COMPLETE\n')
    await take(1)
    pass()
    expect(client.ask('SENS1:FUNC:RES:IND?\n')).toBe('+3\n')
    client.send('SENS2:FUNC:LOOP 0\nSENS2:FUNC:STAT LOGG,STAR\n')
    expect(error(client)).toMatch(/^-221,/)
  })

  test('commands to other ports leave a log alone', () => {
    const { client } = ready()
    client.send('SENS1:FUNC:PAR:LOGG 2,1MS\nTRIG1:INP CME\nSENS1:FUNC:STAT LOGG,STAR\n')
    client.send('SENS2:POW:WAV 1310NM\nSENS2:FUNC:PAR:LOGG 2,1MS\nSENS2:FUNC:STAT LOGG,STAR\n')
    expect(client.ask('SENS1:FUNC:STAT?\n')).toBe('LOGGING_STABILITY,PROGRESS\n')
    client.send('SENS3:FUNC:PAR:LOGG 3,1MS\nSENS3:FUNC:STAT LOGG,STAR\n')
    expect(error(client)).toMatch(/^-221,/)
  })

  test('TRIG 1 is a pulse at the input, and routing 0 keeps pulses away', () => {
    const { client, light: dark } = ready()
    client.send('TRIG:CONF 0\nSENS1:FUNC:PAR:LOGG 1,1US\nTRIG1:INP SME\nSENS1:FUNC:STAT LOGG,STAR\nTRIG 1\n')
    expect(dark.captures).toBe(0)
    const { client: other, light } = ready()
    other.send('SENS1:FUNC:PAR:LOGG 1,1US\nTRIG1:INP SME\nSENS1:FUNC:STAT LOGG,STAR\nTRIG 1\n')
    expect(light.captures).toBe(1)
  })

  test.each([
    ['SENS1:FUNC:PAR:LOGG 1000001,1MS', -222],
    ['SENS1:FUNC:PAR:LOGG 10,0.1US', -222],
    ['SENS1:FUNC:PAR:LOGG 10', -109],
    ['SENS1:POW:WAV 632NM', -222],
    ['SENS1:POW:WAV 1550V', -131],
    ['SENS1:POW:RANG 30DBM', -222],
    ['SENS1:FUNC:STAT MINM,STAR', -141],
    ['INIT1:IMM', -213],
  ])('refuses %s with %i', (command, fault) => {
    const { client } = ready()
    client.send(`${command}\n`)
    expect(error(client)).toMatch(new RegExp(`^${fault},`))
  })

  test('a reset goes back to dBm, autoranging and no log', () => {
    const { client } = ready()
    client.send('TRIG1:INP CME\nSENS1:FUNC:STAT LOGG,STAR\n*RST\n')
    expect(client.ask('SENS1:POW:UNIT?;:SENS1:POW:RANG:AUTO?;:SENS1:FUNC:STAT?;:TRIG1:INP?\n')).toBe(
      '+0;1;NONE,COMPLETE;IGN\n',
    )
  })
})
