// 同机位复拍: the camera with the old picture laid over it. Without a camera for pages: the phone's own, with the picture beside it.

function element<K extends keyof HTMLElementTagNameMap>(tag: K, className: string, text = ''): HTMLElementTagNameMap[K] {
  return Object.assign(document.createElement(tag), { className, textContent: text })
}

/** Put a taken picture with the others of the field. */
function keep(input: HTMLInputElement, blob: Blob): void {
  const files = new DataTransfer()
  for (const old of input.files ?? []) files.items.add(old)
  files.items.add(new File([blob], `复拍-${Date.now()}.jpg`, { type: 'image/jpeg' }))
  input.files = files.files
  input.dispatchEvent(new Event('change', { bubbles: true }))
}

/** No camera here (no HTTPS, no permission): show the old picture beside the field and open the phone's own camera. */
function beside(button: HTMLElement, input: HTMLInputElement, url: string): void {
  if (!button.parentElement!.querySelector('.beside')) {
    const figure = element('figure', 'beside shot')
    figure.append(Object.assign(element('img', ''), { src: url, alt: '整改前的照片' }), element('figcaption', '', '浏览器不能打开相机，请对照这张原照片，用手机相机从同一位置拍摄。'))
    button.after(figure)
  }
  input.click()
}

/** `<button data-ghost="/files/…/ /files/…/" data-ghost-into="#file-input">`: stand where the first photo was taken. */
export async function shoot(button: HTMLElement): Promise<void> {
  const input = document.querySelector<HTMLInputElement>(button.dataset.ghostInto!)!
  const old = button.dataset.ghost!.split(' ').filter(Boolean)
  const ghost = Object.assign(element('img', ''), { src: old[0], alt: '整改前的照片，半透明' })
  // The old picture first: the camera is asked for its shape, so that one lies on the other edge to edge.
  const shown = ghost.decode().then(() => true, () => false)
  const known = await Promise.race([shown, new Promise<boolean>((done) => setTimeout(() => done(false), 4000))])
  const [short, long] = [ghost.naturalWidth, ghost.naturalHeight].sort((a, b) => a - b)
  const aspectRatio = known ? { ideal: long / short } : undefined // of the sensor: a phone held upright turns both
  let stream: MediaStream
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment', width: { ideal: 1920 }, aspectRatio } })
  } catch {
    beside(button, input, old[0])
    return
  }
  const dialog = element('dialog', 'ghost')
  dialog.setAttribute('aria-label', '对着原照片拍')
  const view = element('div', 'view'), foot = element('div', 'foot'), row = element('div', 'row-2')
  const video = Object.assign(element('video', ''), { playsInline: true, muted: true, srcObject: stream })
  const said = element('p', 'said', known ? '' : '原照片还没有载入，请检查网络，或取消后再试。')
  said.setAttribute('role', 'status')
  ghost.addEventListener('load', () => { said.textContent = '' })
  ghost.addEventListener('error', () => { said.textContent = '原照片没有载入，请检查网络，或取消后再试。' })
  const range = Object.assign(element('input', ''), { type: 'range', min: '0', max: '80', value: '40' })
  const label = element('label', '', '原照片的浓淡')
  const take = Object.assign(element('button', 'btn btn-primary', '拍照'), { type: 'button' })
  const cancel = Object.assign(element('button', 'btn', '取消'), { type: 'button' })
  const fade = (): void => {
    ghost.style.opacity = String(Number(range.value) / 100)
    range.setAttribute('aria-valuetext', `${range.value}%`)
  }
  range.addEventListener('input', fade)
  fade()
  label.append(range)
  row.append(cancel)
  if (old.length > 1) {
    const other = Object.assign(element('button', 'btn', '换一张原照片'), { type: 'button' })
    let at = 0
    other.addEventListener('click', () => { ghost.src = old[(at = (at + 1) % old.length)] })
    row.append(other)
  }
  row.append(take)
  foot.append(said, label, row)
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
    if (!canvas.width) return // the camera has not begun yet
    canvas.getContext('2d')!.drawImage(video, 0, 0)
    canvas.toBlob((blob) => {
      if (blob) keep(input, blob)
      dialog.close()
    }, 'image/jpeg', 0.9)
  })
  dialog.showModal()
  await video.play()
}
