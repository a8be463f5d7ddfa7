// @entry Attendance: board, month sheet, heat map, a worker's month.
import './attendance.css'

// Only where a part is live, and late: its styles are the frame's own and must not come after the phone's.
if (document.querySelector('[data-live]')) void import('./live')

// The month sheet opens at today, not at the first of the month.
const today = document.querySelector('.month-wrap th.now')
if (today) today.closest('.month-wrap')!.scrollLeft = Math.max(0, (today as HTMLElement).offsetLeft - today.closest('.month-wrap')!.clientWidth / 2)
