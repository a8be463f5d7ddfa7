/**
 * `<button data-scan>` opens the camera and reads a QR code. A code of this site is followed as a link;
 * with `data-scan-into="#id"` the text goes into that field and `change` fires.
 * Native BarcodeDetector where there is one (Android), else ZXing in WebAssembly, loaded on the first scan.
 */
import { toast } from './toasts'

type Reader = (video: HTMLVideoElement) => Promise<string>
interface Detector { detect(video: HTMLVideoElement): Promise<{ rawValue: string }[]> }
interface DetectorClass { new (options: object): Detector; getSupportedFormats(): Promise<string[]> }

async function reader(): Promise<Reader> {
  const Native = (window as unknown as { BarcodeDetector?: DetectorClass }).BarcodeDetector
  if (Native && (await Native.getSupportedFormats()).includes('qr_code')) {
    const detector = new Native({ formats: ['qr_code'] })
    return async (video) => (await detector.detect(video))[0]?.rawValue ?? ''
  }
  const [{ readBarcodes, prepareZXingModule }, wasm] = await Promise.all([import('zxing-wasm/reader'), import('zxing-wasm/reader/zxing_reader.wasm?url')])
  prepareZXingModule({ overrides: { locateFile: () => wasm.default } })
  const canvas = document.createElement('canvas'), pen = canvas.getContext('2d', { willReadFrequently: true })!
  return async (video) => {
    canvas.width = video.videoWidth
    canvas.height = video.videoHeight
    pen.drawImage(video, 0, 0)
    const found = await readBarcodes(pen.getImageData(0, 0, canvas.width, canvas.height), { formats: ['QRCode'], maxNumberOfSymbols: 1 })
    return found[0]?.text ?? ''
  }
}

async function scan(button: HTMLElement): Promise<void> {
  const dialog = document.querySelector<HTMLDialogElement>('#scanner')
  if (!dialog) return
  const video = dialog.querySelector('video')!, say = dialog.querySelector('[data-part="text"]')!
  say.textContent = '请把二维码放进画面'
  dialog.showModal()
  let stream: MediaStream | undefined
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment', width: { ideal: 1280 } }, audio: false })
    video.srcObject = stream
    await video.play()
    const read = await reader()
    while (dialog.open) {
      const text = await read(video).catch(() => '')
      if (text) {
        dialog.close()
        accept(button, text)
      } else await new Promise((next) => setTimeout(next, 120))
    }
  } catch {
    say.textContent = '打不开摄像头。可用手机自带的扫一扫，或返回手工输入编号。'
  } finally {
    if (!dialog.open) stream?.getTracks().forEach((track) => track.stop())
    else dialog.addEventListener('close', () => stream?.getTracks().forEach((track) => track.stop()), { once: true })
  }
}

function accept(button: HTMLElement, text: string): void {
  const field = button.dataset.scanInto ? document.querySelector<HTMLInputElement>(button.dataset.scanInto) : null
  if (field) {
    field.value = text
    field.dispatchEvent(new Event('change', { bubbles: true }))
    return
  }
  const url = URL.canParse?.(text, location.href) ? new URL(text, location.href) : null
  if (url && url.origin === location.origin) location.assign(url.href)
  else toast('这不是本校的点位码，请换一个码再扫。', 'warn')
}

export function watchScan(): void {
  document.addEventListener('click', (event) => {
    const button = (event.target as Element).closest<HTMLElement>('[data-scan]')
    if (button) void scan(button)
  })
}
