import { decodeDnsMessage, dnsLabels } from '../../drivers/protocols/dns.ts'
import { HislipConversation } from '../../drivers/protocols/hislip-conversation.ts'
import { HislipReader } from '../../drivers/protocols/hislip-reader.ts'
import { HISLIP, hislipServerError, readSizePayload } from '../../drivers/protocols/hislip.ts'
import { httpReply } from '../../drivers/protocols/http.ts'
import { readRpcReply } from '../../drivers/protocols/onc-rpc.ts'
import { readPort } from '../../drivers/protocols/portmapper.ts'
import { RecordReader } from '../../drivers/protocols/rpc-records.ts'
import { ServiceRequestFinder } from '../../drivers/protocols/service-requests.ts'
import { BulkInAnswer } from '../../drivers/protocols/usbtmc.ts'
import {
  readCreateLink,
  readDeviceRead,
  readDeviceWrite,
  readNothing,
  readStatusByte,
} from '../../drivers/protocols/vxi11.ts'
import { parseWspText } from '../../drivers/wdm/wsp-text.ts'
import { readDnsQuery } from '../../sim/protocols/dns-messages.ts'
import { HislipFrameReader, readMessageSize } from '../../sim/protocols/hislip-frames.ts'
import { HttpCallReader } from '../../sim/protocols/http.ts'
import { answerRpc } from '../../sim/protocols/onc-rpc.ts'
import type { RpcProgram } from '../../sim/protocols/onc-rpc.ts'
import { TCP, portmapperProgram } from '../../sim/protocols/portmapper.ts'
import { RpcRecordReader } from '../../sim/protocols/rpc-record-reader.ts'
import { readBulkOut } from '../../sim/protocols/usbtmc.ts'
import * as vxi11 from '../../sim/protocols/vxi11.ts'
import { fed, framed } from './codec.ts'
import type { FuzzedCodec } from './codec.ts'

const LONGEST_BYTES = 65_536

const VXI11_RESULTS = [
  readCreateLink,
  (results: Parameters<typeof readDeviceWrite>[0]) => readDeviceWrite(results, 6),
  (results: Parameters<typeof readDeviceRead>[0]) => readDeviceRead(results, LONGEST_BYTES),
  readStatusByte,
  readNothing,
] as const

/** Every result is read as every kind of result: whoever damages a reply may make another of it. */
function vxi11Reply(record: Uint8Array): void {
  for (const read of VXI11_RESULTS) {
    const { refusal, results } = readRpcReply(record)
    if (refusal === undefined) read(results)
  }
}

const { CORE_PROCEDURES } = vxi11
/** Arguments as the server takes them, without what it does then: some calls make it connect to where they say. */
const CALLS: readonly RpcProgram[] = [
  {
    ...vxi11.DEVICE_CORE,
    procedures: {
      [CORE_PROCEDURES.createLink]: (call) => void vxi11.takeCreateLink(call),
      [CORE_PROCEDURES.write]: (call) => void vxi11.takeWrite(call),
      [CORE_PROCEDURES.read]: (call) => void vxi11.takeRead(call),
      [CORE_PROCEDURES.clear]: (call) => void vxi11.takeGeneric(call),
      [CORE_PROCEDURES.lock]: (call) => void vxi11.takeLock(call),
      [CORE_PROCEDURES.enableServiceRequests]: (call) => void vxi11.takeEnableServiceRequests(call),
      [CORE_PROCEDURES.doCommand]: (call) => void vxi11.takeDoCommand(call),
      [CORE_PROCEDURES.createInterruptChannel]: (call) => void vxi11.takeInterruptChannel(call),
    },
  },
  portmapperProgram([{ ...vxi11.DEVICE_CORE, protocol: TCP, port: 40_111 }], 111),
]

function hislipReplies(): (piece: Buffer) => void {
  const conversation = new HislipConversation(
    () => undefined,
    () => undefined,
  )
  conversation.takeId()
  const limits = { dataBytes: LONGEST_BYTES, otherBytes: 4096 }
  const reader = new HislipReader(limits, {
    onData: (header, piece, last) => conversation.receive(header, piece, last),
    onMessage: (message) => {
      const { type } = message
      if (type === HISLIP.AsyncMaximumMessageSizeResponse) readSizePayload(message)
      else if (type === HISLIP.Interrupted) conversation.interrupted('synchronous')
      else if (type === HISLIP.AsyncInterrupted) conversation.interrupted('asynchronous')
      else if (type === HISLIP.Error || type === HISLIP.FatalError) throw hislipServerError('instrument', message)
    },
  })
  return (piece) => reader.push(piece)
}

function hislipFrames(): (piece: Buffer) => void {
  const reader = new HislipFrameReader(LONGEST_BYTES)
  return (piece) => {
    reader.push(piece)
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
      if ('kind' in frame && 'payload' in frame) readMessageSize(frame.payload)
    }
  }
}

/** What instruments on the network and on USB say, and what is said to them. */
export const NETWORK_CODECS: readonly FuzzedCodec[] = [
  fed('VXI-11, driver', ['vxi11'], 'reply', () => {
    const reader = new RecordReader({ longestBytes: LONGEST_BYTES })
    return (piece) => reader.push(piece, vxi11Reply)
  }),
  fed('VXI-11 service requests, driver', ['vxi11'], 'sent', () => {
    const finder = new ServiceRequestFinder()
    return (piece) => finder.push(piece)
  }),
  fed('portmapper, driver', ['portmap'], 'reply', () => (piece) => {
    const { refusal, results } = readRpcReply(piece)
    if (refusal === undefined) readPort(results)
  }),
  fed('VXI-11, instrument', ['vxi11'], 'sent', () => {
    const reader = new RpcRecordReader(LONGEST_BYTES)
    return (piece) => reader.receive(piece, (record) => void answerRpc(record, CALLS))
  }),
  fed('portmapper, instrument', ['portmap'], 'sent', () => (piece) => void answerRpc(piece, CALLS)),
  fed('HiSLIP, driver', ['hislip'], 'reply', hislipReplies),
  fed('HiSLIP, instrument', ['hislip'], 'sent', hislipFrames),
  fed('USBTMC, driver', ['usbtmc'], 'reply', () => (piece) => {
    // The tag that came is the one that was wanted: what lies behind it is to be reached.
    const tag = piece[1] ?? 1
    for (const headerOnce of [true, false]) new BulkInAnswer(tag, LONGEST_BYTES, { headerOnce }).push(piece, true)
  }),
  fed('USBTMC, instrument', ['usbtmc'], 'sent', () => (piece) => void readBulkOut(piece)),
  framed('HTTP, driver', ['waveshaper'], () => httpReply),
  fed('HTTP, instrument', ['waveshaper'], 'sent', () => {
    const reader = new HttpCallReader()
    return (piece) => {
      reader.push(piece)
      while (typeof reader.next() === 'object');
    }
  }),
  fed('WSP text, driver', ['waveshaper'], 'reply', () => (piece) => {
    const reply = piece.toString('latin1')
    parseWspText(reply.slice(reply.lastIndexOf('\r\n\r\n') + 4))
  }),
  fed('DNS, driver', ['dns'], 'reply', () => (piece) => {
    for (const { name } of decodeDnsMessage(piece).records) dnsLabels(name)
  }),
  fed('DNS, instrument', ['dns'], 'sent', () => (piece) => void readDnsQuery(piece)),
]
