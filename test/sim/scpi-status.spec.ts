import { describe, expect, test } from 'vitest'
import { ScpiServer } from '../../sim/instruments/scpi-server.ts'
import { statusRows } from '../../sim/protocols/scpi-status-rows.ts'
import { ScpiStatus } from '../../sim/protocols/scpi-status.ts'
import { RawClient } from '../support/scpi-wires.ts'

function testInstrument() {
  const status = new ScpiStatus({ signed: false })
  let looks = 0
  const rows = statusRows(status, ['OPERation', 'QUEStionable'], () => (looks += 1))
  const model = { identity: 'FRINGE,TEST,1,0', rows, status, reset: () => undefined }
  return { status, client: new RawClient(new ScpiServer(model, { whileAnswering: 'queue' })), looks: () => looks }
}

describe('status groups', () => {
  test('a bit that rises becomes an event, which reading clears; the condition stays', () => {
    const { client, status } = testInstrument()
    status.operation.condition = 0x12
    status.operation.condition = 0x02
    expect(client.ask(':STAT:OPER:COND?\n:STAT:OPER?\n:STATUS:OPERATION:EVENT?\n:STAT:OPER:COND?\n')).toBe(
      '2\n18\n0\n2\n',
    )
  })

  test('filters choose which rises and which falls are noticed', () => {
    const { client, status } = testInstrument()
    client.send(':STAT:QUES:PTR 1;NTR 2\n')
    status.questionable.condition = 0x7
    expect(client.ask(':STAT:QUES?\n')).toBe('1\n')
    status.questionable.condition = 0
    expect(client.ask(':STAT:QUES?;:STAT:QUES:PTR?;NTR?\n')).toBe('2;1;2\n')
  })

  test('enabled events sum up in bits 7 and 3 of the status byte', () => {
    const { client, status } = testInstrument()
    status.operation.happen(1)
    status.questionable.happen(2)
    expect(client.ask('*STB?\n')).toBe('0\n')
    client.send(':STAT:OPER:ENAB 1;:STAT:QUES:ENAB 2;*SRE 8\n')
    expect(client.ask('*STB?\n:STAT:QUES?\n*STB?\n')).toBe(`${128 + 8 + 64}\n2\n128\n`)
    expect(client.ask('*CLS;*STB?;:STAT:OPER:ENAB?\n')).toBe('0;1\n')
  })

  test('STATus:PRESet restores filters and disables everything, and keeps events', () => {
    const { client, status } = testInstrument()
    status.operation.happen(1)
    client.send(':STAT:OPER:ENAB 65535;PTR 0;NTR 65535;:STAT:PRES\n')
    expect(client.ask(':STAT:OPER:ENAB?;PTR?;NTR?;EVEN?\n')).toBe('0;32767;0;1\n')
  })

  test('bit 15 cannot be enabled, and 65536 is out of range', () => {
    const { client } = testInstrument()
    client.send(':STAT:OPER:ENAB 65536\n:STAT:OPER:ENAB #HFFFF\n')
    expect(client.ask(':STAT:OPER:ENAB?\n:SYST:ERR?\n')).toBe('32767\n-222,"Data out of range"\n')
  })

  test('an instrument that works its condition out when it is looked at is asked to', () => {
    const { client, looks } = testInstrument()
    client.ask(':STAT:OPER:COND?;EVEN?;ENAB?\n')
    expect(looks()).toBe(2)
  })

  test('whoever watches hears of every change, until it stops watching', () => {
    const { status } = testInstrument()
    let changes = 0
    const unwatch = status.watch(() => (changes += 1))
    status.report(-113)
    status.operation.enable = 1
    status.questionable.happen(4)
    expect(changes).toBe(3)
    unwatch()
    status.clear()
    expect(changes).toBe(3)
  })

  test('an overflow of the error queue is a device error, too', () => {
    const { status } = testInstrument()
    status.takeEvents()
    for (let error = 0; error < 30; error++) status.report(-113)
    expect(status.takeEvents()).toBe(0x20)
    status.report(-113)
    expect(status.takeEvents()).toBe(0x28)
    expect(status.errorCount).toBe(30)
  })
})
