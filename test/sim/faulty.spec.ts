import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import type { BenchError } from '../../core/errors.ts'
import { FAULTS, FaultScript } from '../../sim/faults/fault-script.ts'
import type { Fault } from '../../sim/faults/fault-script.ts'
import { FaultyInstrument } from '../../sim/faults/faulty.ts'
import { FaultyMessages } from '../../sim/faults/faulty-messages.ts'
import { ScpiServer } from '../../sim/instruments/scpi-server.ts'
import { SimN7745 } from '../../sim/instruments/sim-n7745.ts'
import { serveTcp } from '../../sim/ports/tcp-server.ts'
import { TcpTransport } from '../../drivers/transports/tcp.ts'
import { ScpiSession } from '../../drivers/transports/scpi-session.ts'
import { FakeDetectors } from '../support/fake-detectors.ts'
import { latin1 } from '../support/manual-transport.ts'
import { settled } from '../support/scpi-wires.ts'

const NONSENSE = Buffer.from(':NO:SUCH\n')
const QUESTION = Buffer.from('*IDN?\n')
const forever = (): AbortSignal => new AbortController().signal
const meter = (): ScpiServer =>
  new ScpiServer(
    new SimN7745(new FakeDetectors(), { name: 'meter', seed: 1, clock: new VirtualClock(), settings: {} }),
    { whileAnswering: 'interrupt' },
  )

describe('A fault script', () => {
  test.each(FAULTS)('strikes with %s where its seed says, between arming and lifting', (fault) => {
    const strikes = (seed: number): readonly boolean[] => {
      const script = new FaultScript(seed, fault)
      expect(script.strikes()).toBe(false)
      script.arm()
      const struck = Array.from({ length: 40 }, () => script.strikes())
      script.lift()
      expect(Array.from({ length: 40 }, () => script.strikes())).not.toContain(true)
      return struck
    }
    expect(strikes(3)).toContain(true)
    expect(strikes(3)).toEqual(strikes(3))
    expect(new Set([1, 2, 3, 4, 5, 6].map((seed) => strikes(seed).join())).size).toBeGreaterThan(1)
  })

  test('flips one bit, of a copy', () => {
    const bytes = Uint8Array.of(0, 0, 0, 0)
    const flipped = new FaultScript(1, 'flipped-reply').flipped(bytes)
    expect([...flipped].reduce((bits, byte) => bits + byte.toString(2).replaceAll('0', '').length, 0)).toBe(1)
    expect([...bytes]).toEqual([0, 0, 0, 0])
  })
})

describe('A faulty instrument behind a TCP port', () => {
  test('hangs up, and its driver hears that the settings may be gone', async () => {
    const script = new FaultScript(1, 'restart')
    const far = new FaultyInstrument(meter, {
      script,
      later: () => undefined,
      hangsUp: true,
      exclusive: false,
      nonsense: NONSENSE,
      question: QUESTION,
    })
    await using server = await serveTcp(far)
    const resource = `TCPIP::127.0.0.1::${server.port}::SOCKET`
    const transport = await TcpTransport.open(resource, '127.0.0.1', server.port, forever())
    await using scpi = new ScpiSession({ name: 'meter', transport }, 5_000)
    await scpi.identify('a meter', () => true, forever())
    await scpi.tell('*CLS', forever())
    script.arm()
    const codes: string[] = []
    for (let asked = 0; asked < 40; asked++) {
      await scpi.ask('SENS1:POW:ATIM?', forever()).catch((error: unknown) => codes.push((error as BenchError).code))
    }
    expect(new Set(codes)).toEqual(new Set(['TRANSPORT_LOST', 'INSTRUMENT_STATE_LOST']))
    expect(await scpi.ask('SENS1:POW:ATIM?', forever())).toMatch(/^\+?2\.0+E-0*1$/i)
  })
})

describe('A faulty instrument behind messages', () => {
  const ask = async (fault: Fault, moments: (() => void)[] = []) => {
    const script = new FaultScript(1, fault)
    const far = new FaultyMessages(meter, {
      script,
      later: (_moments, action) => moments.push(action),
      nonsense: NONSENSE,
    })
    let answers = 0
    const session = far.open({
      onAnswer: () => answers++,
      onInterrupted: () => undefined,
      onServiceRequest: () => undefined,
    })
    script.arm()
    const replies: (string | undefined)[] = []
    for (let asked = 0; asked < 20; asked++) {
      session.receive(Buffer.from('SENS1:POW:RANG?'), true)
      await settled()
      const answer = session.read(1000)
      replies.push(answer && latin1(answer.bytes))
      session.clear()
    }
    far.lift()
    session.receive(Buffer.from(':SYST:ERR?'), true)
    await settled()
    return { replies, answers, error: latin1(session.read(1000)?.bytes ?? new Uint8Array()) }
  }

  test.each(['silence', 'late-reply', 'busy'] as const)(
    'owes an answer under %s, and answers again afterwards',
    async (fault) => {
      const { replies, error } = await ask(fault)
      expect(replies).toContain(undefined)
      expect(error).toMatch(/No error/)
    },
  )

  test.each(['garbage', 'flipped-reply'] as const)('answers something else under %s', async (fault) => {
    const { replies } = await ask(fault)
    expect(new Set(replies).size).toBeGreaterThan(1)
    expect(replies).not.toContain(undefined)
  })

  test('has its error queue filled by somebody else', async () => {
    expect((await ask('full-error-queue')).error).toMatch(/^-113/)
  })

  test('swallows the question that it restarts under', async () => {
    expect((await ask('restart')).replies).toContain(undefined)
  })
})
