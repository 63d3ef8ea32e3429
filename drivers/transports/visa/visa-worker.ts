// Entry of the thread that speaks to a VISA library: one a session, because each call blocks it.
import { parentPort } from 'node:worker_threads'
import { BenchError, isBenchError } from '../../../core/errors.ts'
import { findNames } from './visa-find.ts'
import { loadVisaLibrary } from './visa-library.ts'
import type {
  VisaArgument,
  VisaEvent,
  VisaFailure,
  VisaOperation,
  VisaReply,
  VisaRequest,
  VisaResult,
} from './visa-messages.ts'
import { VisaResource } from './visa-resource.ts'
import { VisaSession } from './visa-session.ts'

const port = parentPort
if (port === null) throw new BenchError('CALL_INVALID', 'this is a worker thread and is not run by itself')

let resource: VisaResource | undefined
let session: VisaSession | undefined

function opened(): { resource: VisaResource; session: VisaSession } {
  if (resource === undefined || session === undefined) throw new BenchError('CALL_INVALID', 'no VISA resource is open')
  return { resource, session }
}

const operations: { [O in VisaOperation]: (argument: VisaArgument<O>) => VisaResult<O> | Promise<VisaResult<O>> } = {
  open: ({ library, ...target }) => {
    const { path, calls } = loadVisaLibrary(library)
    resource = new VisaResource(calls, target)
    resource.open()
    session = new VisaSession(resource, {
      bytes: (bytes, ended) => say({ is: 'bytes', bytes, ended }, [bytes.buffer as ArrayBuffer]),
      lost: (error) => say({ is: 'lost', failure: failureOf(error) }),
      serviceRequest: () => say({ is: 'service-request' }),
    })
    return { library: path, messageBased: resource.kind === 'messages' }
  },
  find: ({ library }) => {
    const { path, calls } = loadVisaLibrary(library)
    return { library: path, names: findNames(calls) }
  },
  write: (bytes) => opened().session.write(bytes),
  read: ({ timeoutMs }) => opened().session.read(timeoutMs),
  stop: () => opened().session.stop(),
  clear: () => opened().session.clear(),
  readStatusByte: () => opened().resource.readStatusByte(),
  trigger: () => opened().resource.trigger(),
  watchServiceRequests: () => opened().session.watchServiceRequests(),
  getNumber: ({ id }) => opened().resource.getNumber(id),
  getText: ({ id }) => opened().resource.getText(id),
  setNumber: ({ id, value }) => opened().resource.setNumber(id, value),
  close: () => session?.close(),
}

port.on('message', (request: VisaRequest) => void perform(request))

async function perform({ id, operation, argument }: VisaRequest): Promise<void> {
  try {
    const result = await operations[operation](argument as never)
    say({ is: 'done', id, result })
  } catch (error) {
    say({ is: 'failed', id, failure: failureOf(error) })
  }
  if (operation === 'close') port?.close()
}

function say(message: VisaEvent | VisaReply, transferred: ArrayBuffer[] = []): void {
  port?.postMessage(message, transferred)
}

function failureOf(error: unknown): VisaFailure {
  if (isBenchError(error)) return { code: error.code, message: error.message, context: error.context }
  return { code: 'TRANSPORT_LOST', message: `the VISA binding failed: ${String(error)}`, context: {} }
}
