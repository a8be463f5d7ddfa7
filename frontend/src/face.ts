// @entry Faces: one picture by the front camera, and many photos made smaller and packed into one upload.
import './face.css'

const SIDE = 1280 // px: what the server keeps of a picture anyway

function element<T extends keyof HTMLElementTagNameMap>(tag: T, values: Partial<HTMLElementTagNameMap[T]>): HTMLElementTagNameMap[T] {
  return Object.assign(document.createElement(tag), values)
}

/** `<form data-selfie>` with a file field: the page's own camera fills the field; without one the phone's camera does. */
async function shoot(form: HTMLFormElement, input: HTMLInputElement): Promise<void> {
  let stream: MediaStream
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'user', width: { ideal: 1280 }, height: { ideal: 960 } }, audio: false })
  } catch {
    input.dataset.own = '1' // no camera for pages here (no HTTPS, no permission): the phone's own one
    input.click()
    return
  }
  const dialog = element('dialog', { className: 'selfie' })
  dialog.setAttribute('aria-label', '拍一张正面照')
  const view = element('div', { className: 'view' }), video = element('video', { playsInline: true, muted: true, srcObject: stream })
  const foot = element('div', { className: 'foot' }), row = element('div', { className: 'row-2' })
  const say = element('p', { className: 'm-0', textContent: '把脸放进圈里，正对镜头' })
  const cancel = element('button', { type: 'button', className: 'btn', textContent: '取消' })
  const take = element('button', { type: 'button', className: 'btn btn-primary', textContent: '拍照' })
  row.append(cancel, take)
  foot.append(say, row)
  view.append(video, element('div', { className: 'oval' }))
  dialog.append(view, foot)
  document.body.append(dialog)
  dialog.addEventListener('close', () => {
    stream.getTracks().forEach((track) => track.stop())
    dialog.remove()
  })
  cancel.addEventListener('click', () => dialog.close())
  take.addEventListener('click', () => {
    const canvas = element('canvas', { width: video.videoWidth, height: video.videoHeight })
    canvas.getContext('2d')!.drawImage(video, 0, 0)
    canvas.toBlob((blob) => {
      dialog.close()
      if (!blob) return
      fill(input, [new File([blob], 'face.jpg', { type: 'image/jpeg' })])
      form.requestSubmit()
    }, 'image/jpeg', 0.92)
  })
  dialog.showModal()
  await video.play()
  take.focus()
}

function fill(input: HTMLInputElement, files: File[]): void {
  const list = new DataTransfer()
  files.forEach((file) => list.items.add(file))
  input.files = list.files
}

async function smaller(file: File): Promise<Blob> {
  try {
    const picture = await createImageBitmap(file, { imageOrientation: 'from-image' })
    const scale = Math.min(1, SIDE / Math.max(picture.width, picture.height))
    if (scale === 1 && file.size < 400_000) return file
    const canvas = element('canvas', { width: Math.round(picture.width * scale), height: Math.round(picture.height * scale) })
    canvas.getContext('2d')!.drawImage(picture, 0, 0, canvas.width, canvas.height)
    picture.close()
    return await new Promise<Blob>((done) => canvas.toBlob((blob) => done(blob ?? file), 'image/jpeg', 0.88))
  } catch {
    return file // the server says what is wrong with it
  }
}

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1
  return n >>> 0
})
function crc32(data: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of data) crc = TABLE[(crc ^ byte) & 255]! ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}

/** A zip without compression: photos are compressed already. */
export async function pack(files: File[], told: (done: number) => void): Promise<File> {
  const parts: BlobPart[] = [], directory: BlobPart[] = []
  let offset = 0, size = 0
  for (const [n, file] of files.entries()) {
    const blob = await smaller(file), data = new Uint8Array(await blob.arrayBuffer())
    const name = new TextEncoder().encode(blob === file ? file.name : file.name.replace(/\.\w+$/, '') + '.jpg')
    const common = new DataView(new ArrayBuffer(26))
    common.setUint16(0, 20, true) // version needed
    common.setUint16(2, 0x0800, true) // names are UTF-8
    common.setUint32(10, crc32(data), true)
    common.setUint32(14, data.length, true)
    common.setUint32(18, data.length, true)
    common.setUint16(22, name.length, true)
    const entry = new DataView(new ArrayBuffer(46))
    entry.setUint32(0, 0x02014b50, true)
    entry.setUint16(4, 20, true)
    new Uint8Array(entry.buffer).set(new Uint8Array(common.buffer), 6)
    entry.setUint32(42, offset, true)
    const head = new Uint8Array([0x50, 0x4b, 3, 4])
    parts.push(head, common.buffer as ArrayBuffer, name, data)
    directory.push(entry.buffer as ArrayBuffer, name)
    offset += 30 + name.length + data.length
    size += 46 + name.length
    told(n + 1)
  }
  const end = new DataView(new ArrayBuffer(22))
  end.setUint32(0, 0x06054b50, true)
  end.setUint16(8, files.length, true)
  end.setUint16(10, files.length, true)
  end.setUint32(12, size, true)
  end.setUint32(16, offset, true)
  return new File([...parts, ...directory, end.buffer as ArrayBuffer], `${files.length} 张照片.zip`, { type: 'application/zip' })
}

document.addEventListener('click', (event) => {
  const input = event.target as HTMLInputElement
  const form = input.type === 'file' ? input.closest<HTMLFormElement>('form[data-selfie]') : null
  if (!form || input.dataset.own || !navigator.mediaDevices) return
  event.preventDefault()
  void shoot(form, input)
})

document.addEventListener('submit', (event) => {
  const form = event.target as HTMLFormElement
  if (!('packPhotos' in form.dataset)) return
  const input = form.querySelector<HTMLInputElement>('input[type=file]')!, files = [...input.files ?? []]
  if (files.length < 2) return
  event.preventDefault()
  const say = form.querySelector<HTMLElement>('[data-part="text"]')!, button = form.querySelector('button')!
  button.disabled = true
  void pack(files, (done) => { say.textContent = `正在打包 ${done} / ${files.length} 张` }).then((archive) => {
    fill(input, [archive])
    say.textContent = `正在上传 ${(archive.size / 1048576).toFixed(0)} MB`
    form.submit()
  })
})
