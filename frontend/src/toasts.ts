/** Short messages in the `#toasts` region: Django messages, `HX-Trigger: {"toast": {...}}`, and scripts. */
export type Tone = 'ok' | 'info' | 'warn' | 'bad'

export function toast(text: string, tone: Tone = 'info'): void {
  const region = document.getElementById('toasts')
  const model = document.querySelector<HTMLTemplateElement>('#toast-model')
  if (!region || !model || !text) return
  const el = (model.content.cloneNode(true) as DocumentFragment).firstElementChild as HTMLElement
  el.dataset.tone = tone
  el.querySelector('[data-part="text"]')!.textContent = text
  // While a modal dialog is open, everything outside it is inert and behind its veil.
  const dialogs = document.querySelectorAll<HTMLDialogElement>('dialog[open]')
  ;(dialogs[dialogs.length - 1] ?? document.body).append(region)
  region.append(el)
  expire(el)
}

function expire(el: HTMLElement): void {
  // Refusals stay until closed: one must be able to read why.
  if (el.dataset.tone === 'bad' || el.dataset.tone === 'warn') return
  setTimeout(() => el.remove(), 6000)
}

export function watchToasts(): void {
  document.addEventListener('close', (event) => {
    const region = document.getElementById('toasts')
    if (region && (event.target as Element).contains(region)) document.body.append(region)
  }, true)
  document.querySelectorAll<HTMLElement>('#toasts .note').forEach(expire)
  document.addEventListener('click', (event) => {
    (event.target as Element | null)?.closest('[data-close-toast]')?.closest('.note')?.remove()
  })
  document.body.addEventListener('toast', (event) => {
    const detail = (event as CustomEvent<{ text?: string; tone?: Tone }>).detail
    toast(detail.text ?? '', detail.tone)
  })
}
