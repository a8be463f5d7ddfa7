// @entry Photos of findings: before/after slider, and the camera with the old picture laid over it (同机位复拍).
import './evidence.css'

/** A slider over every pair that has both pictures. */
function watchPairs(): void {
  document.querySelectorAll<HTMLElement>('.pair').forEach((pair) => {
    const [before, after] = [...pair.querySelectorAll<HTMLAnchorElement>('.shot a')]
    if (!before || !after || pair.dataset.slid) return
    pair.dataset.slid = '1'
    const box = Object.assign(document.createElement('div'), { className: 'compare', hidden: true })
    const below = Object.assign(document.createElement('img'), { alt: '整改前' }), above = Object.assign(document.createElement('img'), { alt: '整改后' })
    const range = Object.assign(document.createElement('input'), { type: 'range', min: '0', max: '100', value: '50' })
    range.setAttribute('aria-label', '左右滑动：左边整改前，右边整改后')
    const cut = (): void => { above.style.clipPath = `inset(0 0 0 ${range.value}%)` }
    range.addEventListener('input', cut)
    cut()
    box.append(below, above, range)
    const button = Object.assign(document.createElement('button'), { type: 'button', className: 'btn mt-2', textContent: '叠在一起对比' })
    button.setAttribute('aria-expanded', 'false')
    button.addEventListener('click', () => {
      below.src ||= before.href
      above.src ||= after.href
      box.hidden = !box.hidden
      pair.hidden = !box.hidden
      button.textContent = box.hidden ? '叠在一起对比' : '并排看'
      button.setAttribute('aria-expanded', String(!box.hidden))
    })
    pair.after(box, button)
  })
}

/** `<button data-ghost="/files/…/" data-ghost-into="#file-input">`: stand where the first photo was taken. */
async function shoot(button: HTMLElement): Promise<void> {
  const input = document.querySelector<HTMLInputElement>(button.dataset.ghostInto!)!
  let stream: MediaStream
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment', width: { ideal: 1920 } } })
  } catch {
    input.click() // no camera for pages here (no HTTPS, no permission): the phone's own camera still works
    return
  }
  const dialog = Object.assign(document.createElement('dialog'), { className: 'ghost' })
  dialog.setAttribute('aria-label', '对着原照片拍')
  const view = Object.assign(document.createElement('div'), { className: 'view' })
  const video = Object.assign(document.createElement('video'), { playsInline: true, muted: true, srcObject: stream })
  const ghost = Object.assign(document.createElement('img'), { src: button.dataset.ghost!, alt: '整改前的照片，半透明' })
  const range = Object.assign(document.createElement('input'), { type: 'range', min: '0', max: '80', value: '40' })
  const label = Object.assign(document.createElement('label'), { textContent: '原照片的浓淡' })
  const take = Object.assign(document.createElement('button'), { type: 'button', className: 'btn btn-primary', textContent: '拍照' })
  const cancel = Object.assign(document.createElement('button'), { type: 'button', className: 'btn', textContent: '取消' })
  const fade = (): void => { ghost.style.opacity = String(Number(range.value) / 100) }
  range.addEventListener('input', fade)
  fade()
  label.append(range)
  const row = Object.assign(document.createElement('div'), { className: 'row-2' }), foot = Object.assign(document.createElement('div'), { className: 'foot' })
  row.append(cancel, take)
  foot.append(label, row)
  view.append(video, ghost)
  dialog.append(view, foot)
  document.body.append(dialog)
  dialog.addEventListener('close', () => {
    stream.getTracks().forEach((track) => track.stop())
    dialog.remove()
    button.focus()
  })
  cancel.addEventListener('click', () => dialog.close())
  take.addEventListener('click', () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: video.videoWidth, height: video.videoHeight })
    canvas.getContext('2d')!.drawImage(video, 0, 0)
    canvas.toBlob((blob) => {
      if (blob) {
        const files = new DataTransfer()
        for (const old of input.files ?? []) files.items.add(old)
        files.items.add(new File([blob], `复拍-${Date.now()}.jpg`, { type: 'image/jpeg' }))
        input.files = files.files
        input.dispatchEvent(new Event('change', { bubbles: true }))
      }
      dialog.close()
    }, 'image/jpeg', 0.9)
  })
  dialog.showModal()
  await video.play()
}

watchPairs()
document.addEventListener('htmx:after:swap', watchPairs)
document.addEventListener('click', (event) => {
  const button = (event.target as Element).closest<HTMLElement>('[data-ghost]')
  if (button) void shoot(button)
})
