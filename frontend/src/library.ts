// @entry
import './library.css'
