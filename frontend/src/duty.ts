// @entry Duty: the call that rings, its countdown and camera, a voice message; the cockpit's own looks.
import './duty.css'
import { keepAnchor, stamp } from './clock'
import { toast } from './toasts'

// Only where a part is live, and late: its styles are the frame's own and must not come after the phone's.
if (document.querySelector('[data-live]')) void import('./live')

/** `data-countdown="SECONDS"`: from when the page was made, by the phone's stopwatch, never by its clock. */
const started = performance.now()
const since = new WeakMap<HTMLElement, { at: number; seconds: number }>()
function count(): void {
  document.querySelectorAll<HTMLElement>('[data-countdown]').forEach((box) => {
    const first = since.get(box) ?? { at: performance.now(), seconds: Number(box.dataset.countdown) }
    since.set(box, first)
    const left = Math.max(0, Math.round(first.seconds - (performance.now() - first.at) / 1000))
    box.textContent = left > 0 ? (left >= 60 ? `${Math.floor(left / 60)} 分 ${left % 60} 秒` : `${left} 秒`) : box.dataset.over ?? '已到期限'
    box.classList.toggle('is-short', left <= 60)
    if (!left && box.dataset.over) document.querySelector<HTMLElement>('[data-renew]')?.removeAttribute('hidden')
  })
}
count()
setInterval(count, 500)

/** When the answer was given: by the server's clock as counted on from its anchor, and how long this page has been open. */
document.querySelectorAll<HTMLFormElement>('form[data-answer]').forEach((form) => {
  keepAnchor()
  form.addEventListener('submit', () => {
    for (const [name, value] of Object.entries(stamp() ?? {})) form.querySelector<HTMLInputElement>(`[name="${name}"]`)!.value = value
    form.querySelector<HTMLInputElement>('[name="elapsed"]')!.value = ((performance.now() - started) / 1000).toFixed(1)
  }, { capture: true })
})

/** Part of a form that belongs to one choice of a list (`data-only-for="id" data-only-value="x"`); without a script it is always there. */
document.querySelectorAll<HTMLElement>('[data-only-for]').forEach((box) => {
  const list = document.querySelector<HTMLSelectElement>(`#${box.dataset.onlyFor}`)!, field = box.querySelector('select')
  const paint = (): void => {
    box.hidden = list.value !== box.dataset.onlyValue
    if (field) field.required = !box.hidden
  }
  list.addEventListener('change', paint)
  paint()
})

/** 送达: told once for each call that stands on a page somebody can see; a tab asleep in the background says nothing. */
const told = new Set<string>()
function arrived(url: string): void {
  if (told.has(url) || document.visibilityState !== 'visible') return
  told.add(url)
  const csrf = document.cookie.match(/csrftoken=([^;]+)/)?.[1] ?? document.body.dataset.csrf ?? ''
  fetch(url, { method: 'POST', credentials: 'same-origin', headers: { 'X-CSRFToken': csrf }, keepalive: true })
    .then((answer) => { if (!answer.ok && answer.status !== 404) told.delete(url) })
    .catch(() => told.delete(url)) // offline: said again at the next look
}
const shown = (): void => document.querySelectorAll<HTMLElement>('[data-seen]').forEach((box) => arrived(box.dataset.seen!))
shown()
document.addEventListener('visibilitychange', shown)

/** A picture from the live camera into a file field; without a camera here the field itself opens the phone's. */
async function camera(box: HTMLElement): Promise<void> {
  const input = document.querySelector<HTMLInputElement>(box.dataset.cameraInto!)!
  let stream: MediaStream
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'user', width: { ideal: 1280 } }, audio: false })
  } catch {
    return
  }
  const video = Object.assign(document.createElement('video'), { playsInline: true, muted: true, autoplay: true, srcObject: stream })
  video.setAttribute('aria-label', '摄像头画面')
  const take = Object.assign(document.createElement('button'), { type: 'button', className: 'btn btn-primary w-100', textContent: '拍照' })
  box.append(video, take)
  const label = document.querySelector<HTMLElement>(`label[for="${input.id}"].shoot`)
  if (label) label.hidden = true
  input.required = false
  await video.play().catch(() => undefined)
  take.addEventListener('click', () => {
    if (!video.videoWidth) return
    const canvas = Object.assign(document.createElement('canvas'), { width: video.videoWidth, height: video.videoHeight })
    canvas.getContext('2d')!.drawImage(video, 0, 0)
    canvas.toBlob((blob) => {
      if (!blob) return
      const files = new DataTransfer()
      files.items.add(new File([blob], `查岗-${Date.now()}.jpg`, { type: 'image/jpeg' }))
      input.files = files.files
      input.dispatchEvent(new Event('change', { bubbles: true }))
      if (video.paused) {
        void video.play()
        take.textContent = '拍照'
        take.classList.add('btn-primary')
        return
      }
      video.pause()
      take.textContent = '重拍'
      take.classList.remove('btn-primary') // what is left to do is to hand it in
    }, 'image/jpeg', 0.9)
  })
  addEventListener('pagehide', () => stream.getTracks().forEach((track) => track.stop()))
}
document.querySelectorAll<HTMLElement>('[data-camera-into]').forEach((box) => void camera(box))

/** A voice message: one tap begins, one tap ends. */
document.querySelectorAll<HTMLElement>('[data-record-into]').forEach((button) => {
  if (!('MediaRecorder' in window)) return
  button.hidden = false
  const input = document.querySelector<HTMLInputElement>(button.dataset.recordInto!)!, words = button.querySelector('span')!
  input.hidden = true // a file only where nothing can be recorded here
  let recorder: MediaRecorder | undefined
  button.addEventListener('click', async () => {
    if (recorder?.state === 'recording') {
      recorder.stop()
      return
    }
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true })
      const parts: Blob[] = []
      recorder = new MediaRecorder(stream)
      recorder.addEventListener('dataavailable', (part) => parts.push(part.data))
      recorder.addEventListener('stop', () => {
        stream.getTracks().forEach((track) => track.stop())
        const kind = recorder!.mimeType.split(';')[0] || 'audio/webm', files = new DataTransfer()
        files.items.add(new File(parts, kind.includes('mp4') ? '录音.m4a' : '录音.webm', { type: kind }))
        input.files = files.files
        words.textContent = '已录好，按一下重录'
      })
      recorder.start()
      words.textContent = '正在录音，按一下结束'
      setTimeout(() => { if (recorder?.state === 'recording') recorder.stop() }, 60_000)
    } catch {
      input.hidden = false
      toast('打不开麦克风，可以写文字说明或选一个录音文件', 'warn')
    }
  })
})

/** Ask every few seconds, and at once when the server says that something changed: does a call ring for me? */
const ring = document.querySelector<HTMLElement>('[data-ring]')
if (ring) {
  const known = new Set([...ring.querySelectorAll<HTMLElement>('[data-call]')].map((row) => row.dataset.call!))
  let sound: AudioContext | undefined
  addEventListener('pointerdown', () => { sound ??= new AudioContext() }, { once: true })
  const beep = (): void => {
    if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.([400, 200, 400, 200, 800]) // a page nobody has touched may not
    if (!sound) return
    for (const at of [0, 0.4, 0.8]) {
      const tone = sound.createOscillator(), loud = sound.createGain()
      tone.frequency.value = 880
      loud.gain.value = 0.25
      tone.connect(loud).connect(sound.destination)
      tone.start(sound.currentTime + at)
      tone.stop(sound.currentTime + at + 0.25)
    }
  }
  const ask = async (): Promise<void> => {
    try {
      const answer = await fetch(ring.dataset.ring!, { credentials: 'same-origin', signal: AbortSignal.timeout?.(8000) })
      if (!answer.ok || answer.redirected) return
      const { calls } = (await answer.json()) as { calls: { id: string; post: string; url: string; seen: string }[] }
      for (const call of calls) {
        if (!known.has(call.id)) {
          known.add(call.id)
          const link = Object.assign(document.createElement('a'), { className: 'big duty-ring', href: call.url })
          link.dataset.call = call.id
          const words = Object.assign(document.createElement('span'), { textContent: '正在查岗，请应答' })
          words.append(Object.assign(document.createElement('small'), { textContent: call.post }))
          link.append(words)
          ring.prepend(link)
          link.focus()
        }
        arrived(call.seen)
        beep()
      }
    } catch { /* offline: asked again */ }
  }
  setInterval(() => void ask(), 5000)
  if (known.size) beep()
  if (ring.dataset.ringLive && 'EventSource' in window) new EventSource(ring.dataset.ringLive).addEventListener('duty', () => void ask())
}
