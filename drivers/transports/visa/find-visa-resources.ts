import { pinLibrary } from './pinned-library.ts'
import { VisaThread } from './visa-thread.ts'

/**
 * Names of all instruments that the VISA library knows of; none is an answer, too.
 *
 * Throws: TRANSPORT_OPEN_FAILED when there is no library.
 */
export async function findVisaResources(
  signal: AbortSignal,
  { library }: { readonly library?: string } = {},
): Promise<readonly string[]> {
  signal.throwIfAborted()
  const thread = VisaThread.start('VISA')
  try {
    const found = await thread.request('find', { library }, signal)
    await pinLibrary(found.library)
    return found.names
  } finally {
    // A library may look around on the network for long; whoever gave up need not wait for it.
    const closed = thread.close().catch(() => undefined)
    if (!signal.aborted) await closed
  }
}
