const pinned = new Map<string, unknown>()

/**
 * Keeps a library loaded until the process ends: its own threads must not outlive its code when the last of ours is
 * done with it.
 */
export async function pinLibrary(path: string): Promise<void> {
  if (pinned.has(path)) return
  // Loaded where VISA is used, and only there.
  const { default: koffi } = await import('koffi')
  pinned.set(path, koffi.load(path))
}
