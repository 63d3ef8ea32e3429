import { describe, expect, test } from 'vitest'
import { SystemClock } from '../../core/clock.ts'
import { isMessageInstrument } from '../../sim/ports/message-instrument.ts'
import { serveHislip } from '../../sim/ports/hislip-server.ts'
import { simN7745 } from '../../sim/instruments/sim-n7745.ts'
import { FakeDetectors } from '../support/fake-detectors.ts'
import { pythonHas, runPython } from '../support/python.ts'

const noPython = pythonHas() ? undefined : 'there is no Python here'
if (noPython !== undefined) console.info(`skipped: ${noPython}`)

/** HiSLIP once more, in another language and from the standard alone: Debian's PyVISA-py (0.5.1) does not speak it. */
const CLIENT = `
import json, socket, struct, sys

class Channel:
    def __init__(self, port):
        self.socket = socket.create_connection(('127.0.0.1', port), timeout=20)
    def send(self, kind, control=0, parameter=0, payload=b''):
        self.socket.sendall(struct.pack('>2sBBIQ', b'HS', kind, control, parameter, len(payload)) + payload)
    def exactly(self, count):
        data = b''
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            assert piece, 'connection closed'
            data += piece
        return data
    def receive(self, expected):
        prologue, kind, control, parameter, length = struct.unpack('>2sBBIQ', self.exactly(16))
        payload = self.exactly(length)
        assert prologue == b'HS' and kind in expected, (kind, control, payload)
        return kind, control, parameter, payload

class Instrument:
    def __init__(self, port, version):
        self.sync, self.message, self.delivered = Channel(port), 0xffffff00, 0
        self.sync.send(0, 0, version << 16 | 0x7079, b'hislip0')
        _, self.overlap, answer, _ = self.sync.receive([1])
        self.version = answer >> 16
        self.side = Channel(port)
        self.side.send(17, 0, answer & 0xffff)
        self.side.receive([18])
        self.side.send(15, 0, 0, struct.pack('>Q', 4096))
        self.largest = struct.unpack('>Q', self.side.receive([16])[3])[0]
    def flags(self):
        flag, self.delivered, self.last = self.delivered, 0, self.message
        self.message = self.message + 2 & 0xffffffff
        return flag, self.last
    def write(self, text):
        data = text.encode('ascii')
        while len(data) > 10:
            self.sync.send(6, *self.flags(), data[:10])
            data = data[10:]
        self.sync.send(7, *self.flags(), data)
    def read(self):
        data = b''
        while True:
            kind, _, message, payload = self.sync.receive([6, 7])
            assert message == self.last, hex(message)
            data += payload
            if kind == 7:
                self.delivered = 1
                return data
    def ask(self, text):
        self.write(text)
        return self.read().decode('latin1')
    def poll(self):
        flag, self.delivered = self.delivered, 0
        self.side.send(21, flag, self.message - 2 & 0xffffffff)
        return self.side.receive([22])[1]
    def clear(self):
        self.side.send(19)
        _, feature, _, _ = self.side.receive([23])
        self.sync.send(8, feature)
        while self.sync.receive([6, 7, 9, 13])[0] != 9: pass
        self.message, self.delivered = 0xffffff00, 0
    def lock(self, key=b''):
        self.side.send(4, 1, 0, key)
        return self.side.receive([5])[1]
    def unlock(self):
        self.side.send(4, 0, self.message - 2 & 0xffffffff)
        return self.side.receive([5])[1]

port = int(sys.argv[1])
meter, other = Instrument(port, 0x0100), Instrument(port, 0x0200)
said = {'versions': [meter.version, other.version], 'largest': meter.largest}
said['identity'] = meter.ask('*IDN?')
meter.write(':SENS1:POW:ATIM 0.05')
said['setting'] = meter.ask(':SENS1:POW:ATIM?')
meter.write(':SENS1:POW:UNIT W;:SENS1:POW:RANG 0DBM')
said['reading'] = meter.ask(':FETC1:POW?')
meter.write(':NOSUCH:COMMAND')
said['error'], said['none'] = meter.ask(':SYST:ERR?'), meter.ask(':SYST:ERR?')
block = other.ask(':FETC:POW:ALL?')
said['block'] = [block[:4], len(block)]
said['polls'] = [meter.poll()]
meter.write('*IDN?')
meter.sync.socket.recv(1, socket.MSG_PEEK)
said['polls'].append(meter.poll())
meter.clear()
said['polls'].append(meter.poll())
meter.write(':SENS1:POW:ATIM 10;:INIT1:CONT 0;:READ1:POW?')
meter.clear()
said['cleared'] = meter.ask(':SYST:ERR?')
said['locks'] = [meter.lock(), other.lock(), meter.unlock(), other.lock(b'key'), meter.lock(b'key'), other.unlock(), meter.unlock()]
other.sync.send(12, *other.flags())
other.write('*ESE?')
said['trigger'] = [other.read().decode('latin1'), other.ask(':SYST:ERR?')]
print(json.dumps(said))
`

describe.skipIf(noPython !== undefined)('a HiSLIP client in Python', () => {
  test('finds identity, setting, reading, error, block, status, locks and device clear as the standard has them', async () => {
    const light = new FakeDetectors()
    light.powerAtMw = () => 0.5
    const meter = simN7745.create(light, { name: 'meter', seed: 1, clock: new SystemClock(), settings: {} })
    if (!isMessageInstrument(meter)) expect.fail('the twin cannot be put behind a message-based wire')
    await using server = await serveHislip(new Map([['hislip0', meter]]))
    const said: unknown = JSON.parse(await runPython(CLIENT, { args: [String(server.port)] }))
    expect(said).toEqual({
      versions: [0x0100, 0x0200],
      largest: 2 ** 20,
      identity: expect.stringMatching(/^Keysight Technologies,N7745C,MY\d{8},V2\.022\n$/) as string,
      setting: '+5.00000000E-002\n',
      reading: '+5.00000000E-004\n',
      error: '-113,"Undefined header"\n',
      none: '+0,"No error"\n',
      block: ['#232', 4 + 32 + 1],
      // The last poll comes behind a device clear.
      polls: [0, 0x10, 0],
      cleared: '+0,"No error"\n',
      // Granted, refused, released; two that share, and both let go.
      locks: [1, 0, 1, 1, 1, 2, 2],
      trigger: ['0\n', '-211,"Trigger ignored"\n'],
    })
  })
})
