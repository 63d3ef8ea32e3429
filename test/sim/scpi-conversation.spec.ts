import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import { ScpiServer } from '../../sim/instruments/scpi-server.ts'
import type { MessageSession } from '../../sim/ports/message-instrument.ts'
import type { ScpiRow } from '../../sim/protocols/scpi-commands.ts'
import { ScpiStatus } from '../../sim/protocols/scpi-status.ts'
import { settled } from '../support/scpi-wires.ts'

/** One client on a wire that marks the ends of messages, and what it was told. */
class Client {
  readonly session: MessageSession
  readonly told: string[] = []

  constructor(server: ScpiServer) {
    this.session = server.open({
      onAnswer: () => void this.told.push('answer'),
      onInterrupted: () => void this.told.push('interrupted'),
      onServiceRequest: (byte) => void this.told.push(`service ${byte}`),
    })
  }

  send(text: string | Uint8Array, end = true): void {
    this.session.receive(typeof text === 'string' ? Buffer.from(text, 'latin1') : text, end)
  }

  /** The answer that is there, in pieces as the carrier takes them; nothing when there is none. */
  read(piece = Infinity): string | undefined {
    let text = ''
    for (;;) {
      const part = this.session.read(piece)
      if (part === undefined) return text === '' ? undefined : text
      text += Buffer.from(part.bytes).toString('latin1')
      if (part.end) return text
    }
  }

  ask(text: string): string | undefined {
    this.send(text)
    return this.read()
  }

  errors(): string[] {
    const errors: string[] = []
    for (;;) {
      const error = this.ask(':SYST:ERR?')?.trimEnd() ?? ''
      if (error.startsWith('0,')) return errors
      errors.push(error.split(',')[0]!)
    }
  }
}

function testInstrument({ triggers = true } = {}) {
  const clock = new VirtualClock()
  const state = { done: [] as string[], triggered: 0, busyMs: 0, data: new Uint8Array(0) as Uint8Array }
  const status = new ScpiStatus({ signed: false })
  const rows: ScpiRow[] = [
    { header: ':NOTE', set: (call) => void state.done.push(call.word('A', 'B', 'C', 'D')) },
    { header: ':BUSY', set: (call) => void (state.busyMs = call.integer(0, 1000)) },
    { header: ':DATA', set: (call) => void (state.data = call.block()), query: () => state.data },
    { header: ':STREam', query: () => ({ indefinite: Buffer.from('a;\nb') }) },
    { header: ':BIG', query: () => 'x'.repeat(40_000) },
    {
      header: ':SLOW',
      query: (call) =>
        clock.sleep(100, call.exchange.signal).then(() => {
          state.done.push('slow')
          return 'slow'
        }),
    },
    { header: ':DEAF', query: () => clock.sleep(100, new AbortController().signal).then(() => 'deaf') },
  ]
  if (triggers) rows.push({ header: '*TRG', takes: 0, set: () => void (state.triggered += 1) })
  const server = new ScpiServer(
    {
      identity: 'FRINGE,TEST,1,0',
      rows,
      status,
      reset: () => undefined,
      idle: (signal) => (state.busyMs > 0 ? clock.sleep(state.busyMs, signal) : undefined),
    },
    { whileAnswering: 'queue' },
  )
  const client = new Client(server)
  client.ask('*CLS;*ESR?')
  client.told.length = 0
  return { client, server, state, status, clock }
}

describe('a SCPI instrument on a message-based wire', () => {
  test('takes a message that ends with the wire’s own mark, with NL, or with both', () => {
    const { client } = testInstrument()
    for (const text of ['*ESE?', '*ESE?\n', '*ESE?\r\n', '*ESE?;']) expect(client.ask(text), text).toBe('0\n')
    client.send('*ES', false)
    expect(client.session.read(99)).toBeUndefined()
    client.send('E?')
    expect(client.read()).toBe('0\n')
    expect(client.errors()).toEqual([])
  })

  test('keeps its answer until it is fetched, in pieces of any size, and says where it ends', async () => {
    const { client } = testInstrument()
    client.send('*IDN?')
    await settled()
    expect(client.told).toEqual(['answer'])
    expect(client.session.owesAnswer).toBe(true)
    expect(client.session.read(6)).toEqual({ bytes: Buffer.from('FRINGE'), end: false })
    expect(client.session.owesAnswer).toBe(true)
    expect(client.read(3)).toBe(',TEST,1,0\n')
    expect(client.session.owesAnswer).toBe(false)
    expect(client.session.read(6)).toBeUndefined()
  })

  test('drops an answer that was not read, or not to its end, for a new message: -410', async () => {
    const { client } = testInstrument()
    client.send('*IDN?')
    client.session.read(3)
    expect(client.ask('*ESE?')).toBe('0\n')
    await settled()
    expect(client.told).toEqual(['interrupted'])
    expect(client.ask('*ESR?')).toBe('4\n')
    expect(client.errors()).toEqual(['-410'])
  })

  test('the end mark alone interrupts nothing', () => {
    const { client } = testInstrument()
    client.send('*ESE?\n', false)
    client.send('')
    expect(client.read()).toBe('0\n')
    expect(client.errors()).toEqual([])
  })

  test('a line end parts messages that came as one, and the second drops the answer of the first', () => {
    const { client } = testInstrument()
    expect(client.ask('*ESE?\n*SRE 8;*SRE?\n')).toBe('8\n')
    expect(client.errors()).toEqual(['-410'])
  })

  test('a message that is interrupted is executed to its end; what came then follows; only the answer is lost', async () => {
    const { client, state } = testInstrument()
    client.send(':SLOW?;:NOTE A')
    expect(client.session.owesAnswer).toBe(true)
    client.send(':NOTE B')
    expect(client.session.owesAnswer).toBe(false)
    client.send(':NOTE C;*ESE?')
    expect(client.session.owesAnswer).toBe(true)
    expect(state.done).toEqual([])
    await settled()
    expect(state.done).toEqual(['slow', 'A', 'B', 'C'])
    expect(client.told).toEqual(['interrupted', 'answer'])
    expect(client.read()).toBe('0\n')
    expect(client.errors()).toEqual(['-410'])
  })

  test('of questions that wait behind a slow command, only the last answer is left, and nothing else is lost', async () => {
    const { client, state } = testInstrument()
    client.send(':BUSY 50;*WAI;:NOTE A')
    client.send(':BUSY 0;:NOTE B;*ESE?')
    client.send(':NOTE C;*SRE?')
    client.send(':NOTE D;*IDN?')
    await settled()
    expect(state.done).toEqual(['A', 'B', 'C', 'D'])
    expect(client.read()).toBe('FRINGE,TEST,1,0\n')
    expect(client.errors()).toEqual(['-410', '-410'])
  })

  test('reading what nobody asked for is -420, and half a message that was read behind is forgotten', () => {
    const { client, state } = testInstrument()
    client.session.readUnasked()
    client.send(':NOTE A;:NO', false)
    client.session.readUnasked()
    client.send(':NOTE B')
    expect(state.done).toEqual(['B'])
    expect(client.errors()).toEqual(['-420', '-420'])
  })

  test('questions that fill the output queue before their message has ended are -430; one long answer is not', () => {
    const { client } = testInstrument()
    expect(client.ask(':BIG?;:BIG?')).toBeUndefined()
    expect(client.ask(':BIG?')).toHaveLength(40_001)
    expect(client.errors()).toEqual(['-430'])
  })

  test('more messages than it keeps while one takes time are -363, and those it kept are executed', async () => {
    const { client, state } = testInstrument()
    client.send(':SLOW?')
    for (let message = 0; message < 300; message++) client.send(':NOTE A')
    await settled()
    expect(state.done).toHaveLength(1 + 256)
    expect(client.errors().filter((error) => error === '-363').length).toBeGreaterThan(0)
  })

  test('device clear empties both buffers and gives up what was being answered; settings and errors stay', async () => {
    const { client, state } = testInstrument()
    client.send(':NOSUCH')
    client.send('*ESE 8;*IDN?')
    client.session.clear()
    expect(client.read()).toBeUndefined()
    for (const question of [':SLOW?', ':DEAF?']) {
      client.send(`${question};:NOTE A`)
      client.send(':NOTE B')
      client.session.clear()
      expect(client.session.owesAnswer).toBe(false)
      await settled()
      expect(client.read()).toBeUndefined()
    }
    client.send(':DATA #15hel', false)
    client.session.clear()
    expect(state.done).toEqual([])
    expect(client.ask('*ESE?')).toBe('8\n')
    expect(client.errors()).toEqual(['-113', '-410', '-410'])
  })

  test('*OPC waits for its operations beside everything else; device clear, *RST and *CLS call it off', async () => {
    const { client } = testInstrument()
    for (const callOff of [() => client.session.clear(), () => client.send('*RST'), () => client.send('*CLS')]) {
      client.send(':BUSY 50;*OPC')
      expect(client.ask('*ESR?')).toBe('0\n')
      callOff()
      await settled()
      expect(client.ask('*ESR?')).toBe('0\n')
    }
    client.send(':BUSY 50;*OPC')
    await settled()
    expect(client.ask('*ESR?')).toBe('1\n')
  })

  test('the trigger of the bus is *TRG, in its turn; inside a message it is -105, where nothing waits for it -211', async () => {
    const { client, state } = testInstrument()
    client.session.trigger()
    expect(state.triggered).toBe(1)
    client.send(':BUSY 50;*WAI')
    client.session.trigger()
    expect(state.triggered).toBe(1)
    await settled()
    expect(state.triggered).toBe(2)
    client.send('*ES', false)
    client.session.trigger()
    expect(client.ask('R?')).toBe('32\n')
    expect(client.errors()).toEqual(['-105'])
    const deaf = testInstrument({ triggers: false }).client
    deaf.session.trigger()
    expect(deaf.errors()).toEqual(['-211'])
  })

  test('a block without a length goes on to the end mark, line ends and all; its answer ends the response', () => {
    const { client, state } = testInstrument()
    client.send(':DATA #0ab\ncd;*', false)
    client.send('CLS\n')
    expect(Buffer.from(state.data).toString('latin1')).toBe('ab\ncd;*CLS')
    expect(client.ask('*ESE?;:STRE?;*SRE?')).toBe('0;#0a;\nb\n')
    expect(client.errors()).toEqual(['-440'])
  })

  test('nothing can be asked behind *IDN?, not even the status byte', () => {
    const { client } = testInstrument()
    expect(client.ask('*IDN?;*STB?;:SLOW?')).toBe('FRINGE,TEST,1,0\n')
    expect(client.errors()).toEqual(['-440', '-440'])
  })

  test('each client has buffers of its own; the instrument is one', () => {
    const { client, server } = testInstrument()
    const other = new Client(server)
    client.send('*IDN?')
    expect(other.ask('*ESE 4;*ESE?')).toBe('4\n')
    expect(client.read()).toBe('FRINGE,TEST,1,0\n')
    expect(client.errors()).toEqual([])
  })

  test('survives garbage in any pieces, and answers behind it once it was cleared', async () => {
    const word = fc.constantFrom(':SLOW?', ':DATA', '#15he', '#0', '"', '*IDN?', '*OPC?', ';', ',', ' ', '\n', '*TRG')
    const action = fc.oneof(
      fc.record({ text: fc.oneof(word, fc.string({ unit: 'binary-ascii', maxLength: 8 })), end: fc.boolean() }),
      fc.constantFrom('read', 'poll', 'clear', 'trigger', 'readUnasked', 'settle'),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(action), async (actions) => {
        const { client } = testInstrument()
        for (const action of actions) {
          if (typeof action === 'object') client.send(action.text, action.end)
          else if (action === 'settle') await settled()
          else if (action === 'read') client.read(5)
          else client.session[action]()
        }
        client.session.clear()
        expect(client.ask('*IDN?')).toBe('FRINGE,TEST,1,0\n')
      }),
      { seed: 1, numRuns: 200 },
    )
  })
})

describe('a request for service', () => {
  test('rises once with its reason, is in bit 6 of the serial poll, and polling takes it back and nothing else', async () => {
    const { client } = testInstrument()
    client.send('*ESE 32;*SRE 32')
    client.send(':NOSUCH;')
    await settled()
    client.send(':NOSUCH;')
    await settled()
    expect(client.told).toEqual(['service 100'])
    expect(client.session.poll()).toBe(4 + 32 + 64)
    expect(client.session.poll()).toBe(4 + 32)
    // *STB? shows the master summary instead, and clears nothing.
    expect(client.ask('*STB?')).toBe('100\n')
    expect(client.ask('*STB?')).toBe('100\n')
  })

  test('a second reason asks again while the first still holds', async () => {
    const { client } = testInstrument()
    client.send('*SRE 20;:NOSUCH')
    await settled()
    expect(client.session.poll()).toBe(4 + 64)
    client.send('*IDN?')
    await settled()
    expect(client.told).toEqual(['service 68', 'service 84', 'answer'])
    expect(client.session.poll()).toBe(4 + 16 + 64)
    expect(client.session.poll()).toBe(4 + 16)
  })

  test('an answer that waits is message available; the carrier may know better', () => {
    const { client } = testInstrument()
    expect(client.session.poll()).toBe(0)
    client.send('*IDN?')
    expect(client.session.poll()).toBe(16)
    expect(client.session.poll(false)).toBe(0)
    client.read()
    expect([client.session.poll(), client.session.poll(true)]).toEqual([0, 16])
  })

  test('is withdrawn when its reason goes before anybody polls', () => {
    const { client } = testInstrument()
    client.send('*SRE 4;:NOSUCH')
    client.send('*CLS')
    expect(client.session.poll()).toBe(0)
  })

  test('goes to every client; who comes later is not told of old reasons, who left of none', async () => {
    const { client, server } = testInstrument()
    const gone = new Client(server)
    client.send('*SRE 4;:NOSUCH')
    gone.session.close()
    const late = new Client(server)
    late.send('*ESE 0')
    await settled()
    expect([client.told, gone.told, late.told]).toEqual([['service 68'], [], []])
  })

  test('enabling a reason that already holds asks, too', async () => {
    const { client } = testInstrument()
    client.send(':NOSUCH')
    client.send('*SRE 4')
    await settled()
    expect(client.told).toEqual(['service 68'])
  })
})
