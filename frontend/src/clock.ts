/**
 * The server's clock on this phone. A page fetches an anchor (the server's time, signed) whenever it can and counts on from it
 * with the monotonic clock, so that a phone with a wrong date is put right. Where the count was interrupted (page reopened, phone
 * asleep) the difference of the phone's own clock stands in, and says so (`monotonic=0`). The server checks what is sent:
 * kernel/anchors.py.
 */
interface Anchor { anchor: string; at: number; wall: number; mono: number; origin: number }
export interface Stamp { anchor: string; elapsed_ms: string; monotonic: '1' | '0' }
const KEY = 'punch-anchor'
const CLOCK = '/m/clock'

export async function takeAnchor(): Promise<void> {
  if (!navigator.onLine) return
  const before = performance.now()
  const answer = await fetch(CLOCK, { cache: 'no-store', credentials: 'same-origin', headers: { Accept: 'application/json' } }).catch(() => null)
  if (!answer?.ok || !/json/.test(answer.headers.get('Content-Type') ?? '')) return
  const said = await answer.json() as { anchor: string; now: number }
  const half = (performance.now() - before) / 2 // the server read its clock about half-way
  const kept: Anchor = { anchor: said.anchor, at: said.now, wall: Date.now() - half, mono: performance.now() - half, origin: performance.timeOrigin }
  localStorage.setItem(KEY, JSON.stringify(kept))
}

/** Now and whenever the network or the page comes back. `[data-unanchored]` says so while times would be the phone's claim only. */
export function keepAnchor(): void {
  const take = async (): Promise<void> => {
    await takeAnchor()
    document.querySelectorAll<HTMLElement>('[data-unanchored]').forEach((el) => { el.hidden = stamp() !== null })
  }
  void take()
  addEventListener('online', () => void take())
  document.addEventListener('visibilitychange', () => { if (document.visibilityState === 'visible') void take() })
}

function counted(): { kept: Anchor; elapsed: number; steady: boolean } | null {
  let kept: Anchor | null = null
  try { kept = JSON.parse(localStorage.getItem(KEY) ?? 'null') as Anchor | null } catch { kept = null }
  if (!kept) return null
  const wall = Date.now() - kept.wall, mono = kept.origin === performance.timeOrigin ? performance.now() - kept.mono : null
  const steady = mono !== null && Math.abs(wall - mono) < 2000
  const elapsed = steady ? mono : wall >= 0 ? wall : mono
  return elapsed === null || elapsed < 0 ? null : { kept, elapsed, steady }
}

/** What goes along with anything done now; null before the first anchor. */
export function stamp(): Stamp | null {
  const found = counted()
  return found && { anchor: found.kept.anchor, elapsed_ms: String(Math.round(found.elapsed)), monotonic: found.steady ? '1' : '0' }
}

/** The time as the server has it, as far as it is known: for what the phone shows. */
export function serverNow(): Date {
  const found = counted()
  return new Date(found?.kept.at ? found.kept.at + found.elapsed : Date.now())
}
