import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { answerRpc, rpcCall } from '../../sim/protocols/onc-rpc.ts'
import type { RpcProcedure } from '../../sim/protocols/onc-rpc.ts'
import { TCP, portmapperProgram } from '../../sim/protocols/portmapper.ts'
import { RpcRecordReader } from '../../sim/protocols/rpc-record-reader.ts'
import {
  ABORT_PROCEDURE,
  CORE_PROCEDURES,
  DEVICE_ASYNC,
  DEVICE_CORE,
  takeCreateLink,
  takeDoCommand,
  takeEnableServiceRequests,
  takeGeneric,
  takeInterruptChannel,
  takeLock,
  takeRead,
  takeWrite,
} from '../../sim/protocols/vxi11.ts'
import { XdrFault, XdrInput, XdrOutput } from '../../sim/protocols/xdr.ts'
import { bytesOf } from '../support/manual-transport.ts'
import { chunked } from '../support/modbus-lines.ts'
import { hexOf } from '../support/tampered-wire.ts'
import { readVectors } from '../support/vectors.ts'

const vectors = readVectors('vxi11')
const NOTHING = new Uint8Array(0)
const link = 7

function vector(meaning: string): { sent: Uint8Array; reply: Uint8Array } {
  const found = vectors.find((candidate) => candidate.meaning.startsWith(meaning))
  if (found === undefined) throw new Error(`no vector ${meaning}`)
  return found
}

describe('A simulated VXI-11 instrument', () => {
  const generic = { link, flags: 0, lockTimeoutMs: 0, ioTimeoutMs: 5000 }
  const generous = { link, flags: 1, lockTimeoutMs: 10_000, ioTimeoutMs: 5000 }
  type Row = readonly [string, number, (call: XdrInput) => unknown, unknown, (results: XdrOutput) => unknown]
  const rows: readonly Row[] = [
    [
      'create_link: client 291 opens inst0',
      CORE_PROCEDURES.createLink,
      takeCreateLink,
      { clientId: 291, lock: false, lockTimeoutMs: 0, device: 'inst0' },
      (out) => out.int(0).int(link).unsigned(4660).unsigned(1024),
    ],
    [
      'create_link: client 291 opens gpib0,20',
      CORE_PROCEDURES.createLink,
      takeCreateLink,
      { clientId: 291, lock: true, lockTimeoutMs: 0, device: 'gpib0,20' },
      (out) => out.int(11).int(0).unsigned(0).unsigned(0),
    ],
    [
      'device_write: *IDN? and',
      CORE_PROCEDURES.write,
      takeWrite,
      { link, ioTimeoutMs: 5000, lockTimeoutMs: 0, flags: 8, data: Buffer.from('*IDN?\n') },
      (out) => out.int(0).unsigned(6),
    ],
    [
      'device_write: the first 4',
      CORE_PROCEDURES.write,
      takeWrite,
      { link, ioTimeoutMs: 5000, lockTimeoutMs: 0, flags: 0, data: Buffer.from('*IDN') },
      (out) => out.int(0).unsigned(4),
    ],
    [
      'device_read: up to 1048576',
      CORE_PROCEDURES.read,
      takeRead,
      { link, requestBytes: 1_048_576, ioTimeoutMs: 1000, lockTimeoutMs: 0, flags: 0, termChar: 0 },
      (out) => out.int(0).int(4).opaque(bytesOf('1.25\n')),
    ],
    [
      'device_read: up to a line end',
      CORE_PROCEDURES.read,
      takeRead,
      { link, requestBytes: 4, ioTimeoutMs: 1000, lockTimeoutMs: 10_000, flags: 0x80, termChar: 10 },
      (out) => out.int(0).int(1).opaque(bytesOf('1.25')),
    ],
    [
      'device_read: nothing came',
      CORE_PROCEDURES.read,
      takeRead,
      { link, requestBytes: 1_048_576, ioTimeoutMs: 1000, lockTimeoutMs: 0, flags: 0, termChar: 0 },
      (out) => out.int(15).int(0).opaque(NOTHING),
    ],
    ['device_readstb', CORE_PROCEDURES.readStatusByte, takeGeneric, generic, (out) => out.int(0).unsigned(0x50)],
    ['device_trigger', CORE_PROCEDURES.trigger, takeGeneric, generic, (out) => out.int(0)],
    ['device_clear', CORE_PROCEDURES.clear, takeGeneric, generic, (out) => out.int(0)],
    ['device_remote', CORE_PROCEDURES.remote, takeGeneric, generous, (out) => out.int(0)],
    ['device_local', CORE_PROCEDURES.local, takeGeneric, generous, (out) => out.int(0)],
    ['device_lock', CORE_PROCEDURES.lock, takeLock, { link, flags: 1, lockTimeoutMs: 10_000 }, (out) => out.int(0)],
    ['device_unlock', CORE_PROCEDURES.unlock, (call) => call.int(), link, (out) => out.int(12)],
    [
      'device_enable_srq',
      CORE_PROCEDURES.enableServiceRequests,
      takeEnableServiceRequests,
      { link, enable: true, handle: Buffer.from('fringe00') },
      (out) => out.int(0),
    ],
    [
      'device_docmd',
      CORE_PROCEDURES.doCommand,
      takeDoCommand,
      {
        link,
        flags: 0,
        ioTimeoutMs: 1000,
        lockTimeoutMs: 0,
        command: 0x20001,
        networkOrder: true,
        dataSize: 2,
        data: Buffer.of(0, 1),
      },
      (out) => out.int(8).opaque(NOTHING),
    ],
    ['destroy_link', CORE_PROCEDURES.destroyLink, (call) => call.int(), link, (out) => out.int(0)],
    [
      'create_intr_chan',
      CORE_PROCEDURES.createInterruptChannel,
      takeInterruptChannel,
      { host: '127.0.0.1', port: 40_000, program: 0x0607b1, version: 1, overUdp: false },
      (out) => out.int(0),
    ],
    ['destroy_intr_chan', CORE_PROCEDURES.destroyInterruptChannel, () => undefined, undefined, (out) => out.int(6)],
  ]

  test.each(rows)('reads and answers %s', (meaning, procedure, take, expected, put) => {
    const taken: unknown[] = []
    const body: RpcProcedure = (call, results) => {
      taken.push(take(call))
      put(results)
    }
    const { sent, reply } = vector(meaning)
    const answer = answerRpc(sent.subarray(4), [{ ...DEVICE_CORE, procedures: { [procedure]: body } }])
    expect(hexOf(answer as Buffer)).toBe(hexOf(reply))
    expect(taken).toEqual([expected])
  })

  test('reads and answers device_abort', () => {
    const { sent, reply } = vector('device_abort')
    const body: RpcProcedure = (call, results) => void results.int(call.int() === link ? 0 : 4)
    const answer = answerRpc(sent.subarray(4), [{ ...DEVICE_ASYNC, procedures: { [ABORT_PROCEDURE]: body } }])
    expect(hexOf(answer as Buffer)).toBe(hexOf(reply))
  })

  test('asks for service', () => {
    const call = rpcCall(1, { program: 0x0607b1, version: 1, procedure: 30 }, (out) => out.opaque(bytesOf('fringe00')))
    expect(hexOf(call)).toBe(hexOf(vector('device_intr_srq').sent))
  })

  test.each(['GETPORT: core channel', 'GETPORT: unknown program'])('answers %s', (meaning) => {
    const { sent, reply } = vector(meaning)
    const mapper = portmapperProgram([{ ...DEVICE_CORE, protocol: TCP, port: 40_111 }], 111)
    expect(hexOf(answerRpc(sent.subarray(4), [mapper]) as Buffer)).toBe(hexOf(reply))
  })

  test.each(['unknown program 7', 'version 2', 'procedure 21', 'device_write without', 'RPC version 3', 'procedure 0'])(
    'refuses %s',
    (meaning) => {
      const { sent, reply } = vector(meaning)
      const procedures = { [CORE_PROCEDURES.write]: (call: XdrInput) => void takeWrite(call) }
      expect(hexOf(answerRpc(sent.subarray(4), [{ ...DEVICE_CORE, procedures }]) as Buffer)).toBe(hexOf(reply))
    },
  )

  test('refuses arguments that turn out to be garbage later', async () => {
    const procedures = { [CORE_PROCEDURES.write]: async (call: XdrInput) => void takeWrite(call) }
    const { sent, reply } = vector('device_write without')
    expect(hexOf((await answerRpc(sent.subarray(4), [{ ...DEVICE_CORE, procedures }]))!)).toBe(hexOf(reply))
  })

  test('says nothing to what is no call', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 39 }), (bytes) => {
        expect(answerRpc(bytes, [])).toBeUndefined()
      }),
    )
  })

  test('reads arguments, or finds that they are garbage, whatever their bytes', () => {
    const takers = [takeCreateLink, takeWrite, takeRead, takeGeneric, takeLock, takeDoCommand, takeInterruptChannel]
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        for (const take of [...takers, takeEnableServiceRequests]) {
          try {
            take(new XdrInput(bytes))
          } catch (error) {
            expect(error).toBeInstanceOf(XdrFault)
          }
        }
      }),
    )
  })
})

describe('XDR', () => {
  test('reads back what was put', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300, size: 'max' })), fc.integer(), (opaques, number) => {
        const output = new XdrOutput().int(number | 0)
        for (const opaque of opaques) output.opaque(opaque)
        const input = new XdrInput(output.bytes)
        expect(input.int()).toBe(number | 0)
        for (const opaque of opaques) expect(hexOf(input.opaque(300))).toBe(hexOf(opaque))
        expect(output.bytes.length % 4).toBe(0)
      }),
    )
  })
})

describe('Records of a client', () => {
  const read = (pieces: readonly Uint8Array[], longest = 1000): { found: string[]; goesOn: boolean } => {
    const reader = new RpcRecordReader(longest)
    const found: string[] = []
    const goesOn = pieces.every((piece) => reader.receive(Buffer.from(piece), (record) => found.push(hexOf(record))))
    return { found, goesOn }
  }
  const fragment = (bytes: Uint8Array, last: boolean): Buffer => {
    const mark = Buffer.alloc(4)
    mark.writeUInt32BE((last ? 0x8000_0000 : 0) + bytes.length)
    return Buffer.concat([mark, bytes])
  }

  test('are put together from any fragments in any pieces', () => {
    const wanted = fc.array(fc.array(fc.uint8Array({ maxLength: 30 }), { minLength: 1, maxLength: 4 }), {
      minLength: 1,
    })
    fc.assert(
      fc.property(wanted, fc.array(fc.nat()), (expected, cuts) => {
        const stream = expected.flatMap((parts) => parts.map((part, at) => fragment(part, at === parts.length - 1)))
        const { found, goesOn } = read(chunked(Buffer.concat(stream), cuts))
        expect(goesOn).toBe(true)
        expect(found).toEqual(expected.map((parts) => hexOf(Buffer.concat(parts))))
      }),
    )
  })

  test.each([
    ['a record that is too long', [fragment(new Uint8Array(1001), true)]],
    [
      'fragments that are too long together',
      [fragment(new Uint8Array(600), false), fragment(new Uint8Array(600), true)],
    ],
    ['fragments without end', new Array<Buffer>(100).fill(fragment(new Uint8Array(1), false))],
    ['empty fragments without end', new Array<Buffer>(100).fill(fragment(new Uint8Array(0), false))],
    ['two gigabytes', [Buffer.from('ffffffff', 'hex')]],
  ])('are given up at %s', (_, pieces) => {
    expect(read(pieces)).toEqual({ found: [], goesOn: false })
  })
})
