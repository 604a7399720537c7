"""Names of columns in other scripts than the Latin one, as words that `vocabulary` knows."""

from __future__ import annotations

import re
import unicodedata

_CHINESE = {
    "姓名": "name",
    "名字": "name",
    "名称": "name",
    "名稱": "name",
    "邮箱": "email",
    "郵箱": "email",
    "电子邮件": "email",
    "電子郵件": "email",
    "电话": "phone",
    "電話": "phone",
    "手机": "phone",
    "手機": "phone",
    "号码": "number",
    "號碼": "number",
    "地址": "address",
    "街道": "street",
    "城市": "city",
    "省份": "region",
    "邮编": "postcode",
    "郵編": "postcode",
    "邮政编码": "postcode",
    "郵遞區號": "postcode",
    "国家": "country",
    "國家": "country",
    "性别": "gender",
    "性別": "gender",
    "生日": "birth_date",
    "出生日期": "birth_date",
    "公司": "company",
    "公司名称": "company_name",
    "公司名稱": "company_name",
    "身份证": "national_id",
    "客户": "customer",
    "客戶": "customer",
    "联系人": "contact",
    "聯絡人": "contact",
    "备注": "notes",
    "日期": "date",
    "时间": "time",
}
_JAPANESE = {
    "氏名": "name",
    "名前": "name",
    "苗字": "family_name",
    "名字": "name",
    "フリガナ": "phonetic",
    "ふりがな": "phonetic",
    "カナ": "phonetic",
    "かな": "phonetic",
    "メールアドレス": "email",
    "メール": "email",
    "電話番号": "phone",
    "携帯電話": "phone",
    "携帯": "phone",
    "郵便番号": "postcode",
    "住所": "address",
    "都道府県": "region",
    "市区町村": "city",
    "番地": "street",
    "建物": "unit",
    "国": "country",
    "生年月日": "birth_date",
    "誕生日": "birth_date",
    "会社": "company",
    "会社名": "company_name",
    "法人名": "company_name",
    "顧客": "customer",
    "会員": "member",
    "番号": "number",
    "担当": "owner",
    "備考": "notes",
    "日時": "time",
}
_KOREAN = {
    "이름": "name",
    "성명": "name",
    "고객명": "customer_name",
    "고객": "customer",
    "이메일": "email",
    "메일": "email",
    "전화번호": "phone",
    "전화": "phone",
    "휴대폰": "phone",
    "연락처": "phone",
    "주소": "address",
    "도시": "city",
    "우편번호": "postcode",
    "국가": "country",
    "성별": "gender",
    "생년월일": "birth_date",
    "회사": "company",
    "회사명": "company_name",
    "번호": "number",
    "비고": "notes",
}
_CYRILLIC = {
    "фамилия": "family_name",
    "прізвище": "family_name",
    "имя": "given_name",
    "ім'я": "given_name",
    "отчество": "middle_name",
    "по батькові": "middle_name",
    "фио": "full_name",
    "піб": "full_name",
    "эл. почта": "email",
    "электронная почта": "email",
    "почта": "email",
    "пошта": "email",
    "имейл": "email",
    "телефон": "phone",
    "мобильный": "mobile",
    "адрес": "address",
    "адреса": "address",
    "улица": "street",
    "вулиця": "street",
    "дом": "house_number",
    "квартира": "apartment",
    "город": "city",
    "місто": "city",
    "град": "city",
    "индекс": "postcode",
    "індекс": "postcode",
    "область": "region",
    "страна": "country",
    "країна": "country",
    "пол": "gender",
    "стать": "gender",
    "дата рождения": "birth_date",
    "дата народження": "birth_date",
    "дата": "date",
    "компания": "company",
    "компанія": "company",
    "организация": "organization",
    "инн": "tax_id",
    "клиент": "customer",
    "клієнт": "customer",
    "номер": "number",
    "комментарий": "comment",
}
_GREEK = {
    "επώνυμο": "family_name",
    "όνομα": "given_name",
    "ονοματεπώνυμο": "full_name",
    "τηλέφωνο": "phone",
    "κινητό": "mobile",
    "διεύθυνση": "address",
    "οδός": "street",
    "πόλη": "city",
    "τ.κ.": "postcode",
    "χώρα": "country",
    "φύλο": "gender",
    "ημερομηνία γέννησης": "birth_date",
    "εταιρεία": "company",
    "αφμ": "tax_id",
}
_ARABIC = {
    "الاسم": "name",
    "اسم": "name",
    "الاسم الأول": "given_name",
    "اسم العائلة": "family_name",
    "الاسم الكامل": "full_name",
    "البريد الإلكتروني": "email",
    "البريد": "email",
    "الهاتف": "phone",
    "رقم الهاتف": "phone",
    "الجوال": "mobile",
    "رقم الجوال": "mobile",
    "العنوان": "address",
    "المدينة": "city",
    "الرمز البريدي": "postcode",
    "الدولة": "country",
    "البلد": "country",
    "الجنس": "gender",
    "تاريخ الميلاد": "birth_date",
    "الشركة": "company",
    "العميل": "customer",
}
_HEBREW = {
    "שם": "name",
    "שם פרטי": "given_name",
    "שם משפחה": "family_name",
    "שם מלא": "full_name",
    "דוא״ל": "email",
    'דוא"ל': "email",
    "אימייל": "email",
    "טלפון": "phone",
    "נייד": "mobile",
    "כתובת": "address",
    "רחוב": "street",
    "עיר": "city",
    "מיקוד": "postcode",
    "מדינה": "country",
    "תאריך לידה": "birth_date",
    "חברה": "company",
}
_DEVANAGARI_AND_THAI = {
    "नाम": "name",
    "ईमेल": "email",
    "फ़ोन": "phone",
    "मोबाइल": "mobile",
    "पता": "address",
    "शहर": "city",
    "जन्म तिथि": "birth_date",
    "ชื่อ": "given_name",
    "นามสกุล": "family_name",
    "ชื่อ-นามสกุล": "full_name",
    "อีเมล": "email",
    "โทรศัพท์": "phone",
    "เบอร์โทร": "phone",
    "ที่อยู่": "address",
    "จังหวัด": "region",
    "รหัสไปรษณีย์": "postcode",
    "วันเกิด": "birth_date",
    "บริษัท": "company",
}
_ALONE = {
    "姓": "family_name",
    "名": "given_name",
    "セイ": "phonetic",
    "メイ": "phonetic",
    "성": "family_name",
    "省": "region",
    "市": "city",
    "国": "country",
}
"""Names that are too short to be looked for in longer ones."""


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip()


_KNOWN = {
    _plain(written): word
    for words in (_CHINESE, _JAPANESE, _KOREAN, _CYRILLIC, _GREEK, _ARABIC, _HEBREW, _DEVANAGARI_AND_THAI)
    for written, word in words.items()
}
_EXACT = _KNOWN | {_plain(written): word for written, word in _ALONE.items()}
_WORDS = re.compile("|".join(map(re.escape, sorted(_KNOWN, key=lambda written: (-len(written), written)))))


def in_latin_words(column: str) -> str:
    """Replace what is known of a name in another script; Latin letters stay as they are.

    Chinese, Japanese and Korean put words together without spaces, so they are looked for anywhere, the longest first.
    """
    if column.isascii():
        return column
    plain = _plain(column)
    if plain in _EXACT:
        return _EXACT[plain]
    return _WORDS.sub(lambda found: f" {_KNOWN[found[0]]} ", plain) if _WORDS.search(plain) else column
