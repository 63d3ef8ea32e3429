import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import { simB2900 } from '../../sim/instruments/sim-b2900.ts'
import { isMessageInstrument } from '../../sim/ports/message-instrument.ts'
import { FakeLoads } from '../support/fake-loads.ts'
import { RawClient, settled } from '../support/scpi-wires.ts'
import { readVectors } from '../support/vectors.ts'

function twin() {
  const clock = new VirtualClock()
  const loads = new FakeLoads()
  const sim = simB2900.create(loads, { name: 'smu-0', seed: 1, clock, settings: {} })
  const client = new RawClient(sim)
  /** What comes once time has passed as far as somebody waits for it. */
  const late = async (text: string): Promise<string> => {
    client.send(text)
    await settled()
    await settled()
    return client.take().toString('latin1')
  }
  return { clock, loads, sim, client, late }
}

const numbers = (line: string): number[] => line.trimEnd().split(',').map(Number)

describe('simulated B2900', () => {
  test('says and does what the vectors say, one after the other', async () => {
    const { client } = twin()
    for (const { meaning, sent, reply } of readVectors('b2900')) {
      client.send(sent)
      await settled()
      await settled()
      expect(client.take().toString('latin1'), meaning).toBe(Buffer.from(reply).toString('latin1'))
    }
  })

  test('can be put behind a message-based wire, and says who it is', () => {
    const { sim, client } = twin()
    expect(isMessageInstrument(sim)).toBe(true)
    expect(client.ask('*IDN?\n')).toMatch(/^Keysight Technologies,B2912A,MY51\d{6},3\.4\.2011\.5100\n$/)
  })

  test('after *RST: off, 0 V, at most 100 µA', async () => {
    const { client, loads } = twin()
    client.send(':OUTP2 1;:SOUR2:VOLT 3;:SENS2:CURR:PROT 1;:FORM REAL,64\n*RST\n')
    expect(loads.voltagesV[1]).toBe(0)
    expect(client.ask(':OUTP2?;:SOUR2:VOLT?;:SENS2:CURR:PROT?;:SOUR2:FUNC:MODE?;:FORM?\n')).toBe(
      '0;+0.000000E+00;+1.000000E-04;VOLT;ASC\n',
    )
  })

  test('the limit is what is forced where the level goes beyond it, and never more than the stage carries', () => {
    const { client, loads } = twin()
    client.send(':SENS:CURR:PROT 1e-3;:SOUR:VOLT 5;:OUTP ON\n')
    expect(loads.forced.slice(-2)).toEqual(['V1=5', 'A1=0.001'])
    expect(client.ask(':SENS:CURR:PROT:TRIP?;:SENS:VOLT:PROT:TRIP?\n')).toBe('1;0\n')
    client.send(':SOUR:FUNC:MODE CURR;:SOUR:CURR -5mA;:SENS:VOLT:PROT 2\n')
    expect(loads.voltagesV[0]).toBe(-2)
    loads.resistanceOhm[1] = 10
    client.send(':SENS2:CURR:PROT 3;:SOUR2:VOLT 100;:OUTP2 ON\n')
    expect(loads.voltagesV[1]).toBeCloseTo(1.05, 9)
  })

  test('units, MIN and MAX; what is beyond source and meter is -222', () => {
    const { client } = twin()
    expect(client.ask(':SOUR:VOLT 250MV;:SOUR:VOLT?;:SOUR:VOLT? MAX;:SOUR:CURR 3 UA;:SOUR:CURR?\n')).toBe(
      '+2.500000E-01;+2.100000E+02;+3.000000E-06\n',
    )
    client.send(':SOUR:VOLT 211\n:SOUR:CURR 3.1\n:TRIG:COUN 0\n:SENS:FUNC "POW"\n')
    const errors = Array.from({ length: 5 }, () => client.ask(':SYST:ERR?\n').split(',')[0])
    expect(errors).toEqual(['-222', '-222', '-222', '-224', '+0'])
  })

  test('answers with elements in its own order, as text, 32-bit or 64-bit floats of either byte order', async () => {
    const { late, client } = twin()
    client.send(':SENS:CURR:PROT 1;:SOUR:VOLT 2;:FORM:ELEM:SENS STAT,CURR,VOLT\n')
    expect(client.ask(':FORM:ELEM:SENS?\n')).toBe('VOLT,CURR,STAT\n')
    expect(await late(':MEAS?\n')).toBe('+2.000000E+00,+2.000000E-03,+0.000000E+00\n')
    const blocks: [string, (bytes: Buffer) => number][] = [
      ['REAL,32;:FORM:BORD NORM', (bytes) => bytes.readFloatBE(4)],
      ['REAL,32;:FORM:BORD SWAP', (bytes) => bytes.readFloatLE(4)],
      ['REAL,64;:FORM:BORD NORM', (bytes) => bytes.readDoubleBE(8)],
      ['REAL,64;:FORM:BORD SWAP', (bytes) => bytes.readDoubleLE(8)],
    ]
    for (const [format, read] of blocks) {
      const bytes = Buffer.from(await late(`:FORM ${format};:MEAS?\n`), 'latin1')
      const size = format.startsWith('REAL,32') ? 12 : 24
      expect(bytes.subarray(0, 4).toString(), format).toBe(`#2${size}`)
      expect(bytes).toHaveLength(4 + size + 1)
      expect(read(bytes.subarray(4)), format).toBeCloseTo(2e-3, 8)
    }
  })

  test('a measuring switches the output on, unless it was told not to', async () => {
    const { late, client } = twin()
    await late(':MEAS:VOLT?\n')
    expect(client.ask(':OUTP?\n')).toBe('1\n')
    client.send(':OUTP 0;:OUTP:ON:AUTO 0\n')
    await late(':MEAS:VOLT?\n')
    expect(client.ask(':OUTP?\n')).toBe('0\n')
  })

  test('a staircase up and down, linear or logarithmic, and back to the level', async () => {
    const { late, client, loads } = twin()
    client.send(':SENS:CURR:PROT 1;:SOUR:VOLT 0.5;:SOUR:VOLT:STAR 1;STOP 4;POIN 4;MODE SWE;:TRIG:COUN 4\n')
    expect(numbers(await late(':READ:ARR:SOUR?\n'))).toEqual([1, 2, 3, 4])
    expect(loads.voltagesV[0]).toBe(0.5)
    client.send(':SOUR:SWE:SPAC LOG;STA DOUB;POIN 3;:TRIG:COUN 6\n')
    expect(numbers(await late(':READ:ARR:VOLT?\n'))).toEqual([1, 2, 4, 4, 2, 1])
    expect(client.ask(':SOUR:VOLT:STEP 0.5;:SOUR:VOLT:POIN?\n')).toBe('+7\n')
    client.send(':SOUR:VOLT:STAR 0\n:INIT\n')
    expect(client.ask(':SYST:ERR?\n')).toMatch(/^-221,/)
  })

  test('OPC is false while a channel is initiated: *OPC? and *WAI wait, time passes by delays and apertures', async () => {
    const { late, client, clock } = twin()
    client.send(':SENS:CURR:APER 0.01;:TRIG:ACQ:DEL 5ms;:TRIG:COUN 10;:INIT\n')
    client.send('*CLS;*OPC\n')
    expect(client.ask('*ESR?;:SENS:DATA? 0,1\n')).toBe(`0;${new Array(6).fill('+9.910000E+37').join()}\n`)
    expect(await late('*OPC?;*ESR?\n')).toBe('1;1\n')
    expect(clock.monotonicNs()).toBe(150e6)
    client.send(':TRIG:SOUR TIM;TIM 0.1;:INIT\n')
    expect(await late(':IDLE?\n')).toBe('1\n')
    expect(clock.monotonicNs()).toBe(150e6 + 1000e6)
  })

  test('a sweep under way has measured what is due by now, and stands at that level', () => {
    const { client, clock, loads } = twin()
    client.send(
      ':SENS:CURR:PROT 1;:SENS:CURR:APER 0.01;:SOUR:VOLT:MODE LIST;:SOUR:LIST:VOLT 1,2,3;:TRIG:COUN 3;:INIT\n',
    )
    clock.moveTo(20e6)
    client.send(':FORM:ELEM:SENS VOLT\n')
    expect(numbers(client.ask(':SENS:DATA?\n'))).toEqual([1, 2])
    expect(loads.voltagesV[0]).toBe(2)
    expect(client.ask(':STAT:OPER:COND?\n')).toBe(`${128 + 1024}\n`)
    client.send(':ABOR\n')
    expect(loads.voltagesV[0]).toBe(0)
    expect(client.ask(':STAT:OPER:COND?;:SENS:DATA:LAT?\n')).toBe(`${2 + 16 + 128 + 1024};+2.000000E+00\n`)
  })

  test('with the bus as its source it takes one step a trigger, and says that it waits', async () => {
    const { sim, client, late, loads } = twin()
    client.send(':SENS:CURR:PROT 1;:SOUR:VOLT:MODE LIST;:SOUR:LIST:VOLT 1,2;:TRIG:SOUR BUS;COUN 2;:INIT\n')
    client.send(':STAT:OPER:NTR 32;PTR 0;ENAB 32;*SRE 128\n')
    expect(client.ask(':STAT:OPER:COND?\n')).toBe(`${32 + 128 + 1024}\n`)
    client.send('*TRG\n')
    expect(loads.voltagesV[0]).toBe(1)
    client.send('*OPC?\n')
    expect(client.take()).toHaveLength(0)
    new RawClient(sim).send('*TRG\n')
    expect(await late('*STB?\n')).toBe(`1\n${128 + 64}\n`)
    expect(numbers(client.ask(':FETC:ARR:VOLT?\n'))).toEqual([1, 2])
  })

  test('two channels answer side by side; what one has not measured is not a number', async () => {
    const { client, late } = twin()
    client.send(':SENS1:CURR:PROT 1;:SENS2:CURR:PROT 1;:SOUR1:VOLT 1;:SOUR2:VOLT 2;:TRIG1:COUN 2;:INIT (@1:2)\n')
    expect(await late(':FETC:ARR:VOLT? (@1,2)\n')).toBe('+1.000000E+00,+2.000000E+00,+1.000000E+00,+9.910000E+37\n')
    expect(await late(':FETC:VOLT? (@2,1)\n')).toBe('+2.000000E+00,+1.000000E+00\n')
  })

  test('a reading beyond a fixed range is infinite, has its bit, and is an event', async () => {
    const { client, late } = twin()
    client.send(':SENS:CURR:PROT 1;:SENS:CURR:RANG 1E-3;:SOUR:VOLT 2;:FORM:ELEM:SENS CURR,STAT;:STAT:MEAS:ENAB 4\n')
    expect(client.ask(':SENS:CURR:RANG?;:SENS:CURR:RANG:AUTO?\n')).toBe('+1.000000E-03;0\n')
    expect(await late(':MEAS?\n')).toBe('+9.900000E+37,+8.192000E+03\n')
    expect(client.ask('*STB?;:STAT:MEAS?\n')).toBe('1;4\n')
  })

  test('only what is asked for is measured; resistance is one over the other', async () => {
    const { client, late } = twin()
    client.send(':SENS:CURR:PROT 1;:SOUR:VOLT 2;:SENS:FUNC:OFF "VOLT";:SENS:FUNC "res"\n')
    expect(client.ask(':SENS:FUNC?\n')).toBe('"CURR","RES"\n')
    expect(await late(':MEAS:VOLT?\n')).toBe('+9.910000E+37\n')
    expect(await late(':MEAS:RES?\n')).toBe('+1.000000E+03\n')
  })

  test('more triggers than it has memory for are refused before they run', () => {
    const { client } = twin()
    client.send(':TRIG:COUN MAX;:ARM:COUN 2;:INIT\n')
    expect(client.ask(':SYST:ERR?;:STAT:OPER:COND?\n')).toMatch(/^-221,.*;1170\n$/)
    client.send(`:SOUR:LIST:VOLT ${new Array(2500).fill(1).join()};VOLT:APP 1\n`)
    expect(client.ask(':SOUR:LIST:VOLT:POIN?;:SYST:ERR?\n')).toBe('+2500;-223,"Too much data"\n')
  })

  test('no words in any order crash it, or keep it from answering', async () => {
    const words = fc.constantFrom(
      ':INIT (@1:2)',
      ':TRIG:SOUR BUS',
      ':TRIG:SOUR AINT',
      ':TRIG:COUN 5',
      '*TRG',
      ':ABOR',
      '*RST',
      '*OPC?',
      ':FETC:ARR? (@1,2)',
      ':MEAS? (@2)',
      ':SOUR:FUNC:MODE CURR',
      ':SOUR:VOLT:MODE LIST',
      ':SOUR:LIST:VOLT 1,-200',
      ':SENS:CURR:PROT MAX',
      ':OUTP:OFF:MODE HIZ',
      ':FORM REAL,32',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(words, { maxLength: 12 }), async (lines) => {
        const { sim, client } = twin()
        for (const line of lines) client.send(`${line}\n`)
        await settled()
        const other = new RawClient(sim)
        other.send(':ABOR\n')
        await settled()
        other.take()
        expect(other.ask('*ESE?\n')).toBe('0\n')
      }),
      { seed: 1, numRuns: 150 },
    )
  })
})
