// Live parts of a page: [data-live] hears by SSE that something changed and fetches its fragment again.
import htmx from './common'

/**
 * `data-live` the stream, `data-live-url` the fragment (default: this page's own address is not asked), `data-live-every` seconds
 * between looks even when nothing is heard. `[data-live-age]` inside or outside (by `data-live-age="#id"`) says how old it is.
 */
class Live {
  private last = Date.now()
  private wanted = 0
  private busy = false
  private readonly every: number

  constructor(private readonly box: HTMLElement) {
    this.every = Number(box.dataset.liveEvery ?? 20) * 1000
    this.listen()
    setInterval(() => this.tick(), 1000)
    document.addEventListener('visibilitychange', () => { if (!document.hidden) this.ask() })
  }

  private listen(): void {
    const address = this.box.dataset.live
    if (!address || !('EventSource' in window)) return
    const source = new EventSource(address)
    for (const topic of new URL(address, location.href).searchParams.getAll('topic')) source.addEventListener(topic, () => this.ask())
  }

  /** Many changes in a moment are one look, and not every viewer looks in the same moment. */
  private ask(): void {
    if (!this.wanted) this.wanted = Date.now() + 300 + Math.random() * 1200
  }

  private tick(): void {
    const now = Date.now()
    if (!document.hidden && !this.busy && ((this.wanted && now >= this.wanted) || now - this.last >= this.every)) void this.look()
    const old = Math.round((now - this.last) / 1000), stale = old > Math.max(60, this.every / 500)
    this.box.classList.toggle('is-stale', stale)
    document.querySelectorAll<HTMLElement>(`[data-live-age="#${this.box.id}"]`).forEach((age) => {
      age.textContent = stale ? `数据已是 ${old} 秒前的，正在重新连接` : old < 5 ? '刚刚更新' : `${old} 秒前更新`
      age.classList.toggle('is-stale', stale)
    })
  }

  private async look(): Promise<void> {
    this.busy = true
    this.wanted = 0
    try {
      const answer = await fetch(this.box.dataset.liveUrl!, { headers: { 'HX-Request': 'true' }, credentials: 'same-origin', signal: AbortSignal.timeout?.(15_000) })
      if (answer.ok && !answer.redirected) {
        this.box.innerHTML = await answer.text()
        htmx.process(this.box)
        this.last = Date.now()
      }
    } catch { /* offline: the age says so */ }
    this.busy = false
  }
}

document.querySelectorAll<HTMLElement>('[data-live]').forEach((box) => new Live(box))
