"""The filter of the page."""

from django import forms


class FacesFilter(forms.Form):
    search = forms.CharField(label="学校", required=False, widget=forms.TextInput({"placeholder": "名称、拼音"}))
